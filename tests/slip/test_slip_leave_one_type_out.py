"""Leave-one-data-type-out, outliers, and faults with many patches."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from slip_earthquakes import earthquake, fault_file

from selfseis import SlipInversion
from selfseis.errors import InputError
from selfseis.quality_log import QualityLog
from selfseis.slip import Insar, read_fault
from selfseis.slip.greens import displacement_along, surface_displacement
from selfseis.slip.options import GreensOptions
from selfseis.slip.patch_groups import PatchGroups
from selfseis.slip.prepare import prepare
from selfseis.slip.problem import slip_problem

QUICK = {"priors": ("laplacian",), "n_folds": 4, "n_inner": 3, "n_samples": 30, "n_oracle": 0}


@pytest.fixture(scope="module")
def solved(tmp_path_factory: pytest.TempPathFactory) -> SlipInversion:
    fault, _, gnss, scene = earthquake(tmp_path_factory.mktemp("quake"))
    east = fault.local_map.to_km(scene.longitude, scene.latitude)[:, 0]
    with_ramp = replace(scene, los=scene.los + 0.2 + 0.003 * east)
    rng = np.random.default_rng(3)
    noise = Insar(
        "noise", scene.longitude, scene.latitude, 0.05 * rng.standard_normal(len(scene)), scene.look, scene.sd
    )
    return SlipInversion(**QUICK).fit(gnss, [with_ramp, noise], fault)


def test_each_type_of_data_is_predicted_from_the_others(solved: SlipInversion) -> None:
    found = {one.kind: one for one in solved.types_}
    assert set(found) == {"gnss", "insar scene", "insar noise"}
    assert found["insar scene"].predictors == ["gnss", "insar noise"]
    assert found["insar scene"].outcome == "yes" and found["insar scene"].skill.value > 0.7
    assert found["insar scene"].skill.value > found["insar scene"].uniform
    assert found["insar noise"].outcome != "yes"
    assert "yes for" in solved.types_summary_ and "scene scene" in solved.types_summary_.split(";")[0]


def test_only_the_shape_of_a_held_out_scene_is_scored(solved: SlipInversion) -> None:
    rows = solved.by_type_[0].kind == "insar scene"
    heldout, columns = solved.by_type_[0], np.asarray(solved.problem_.nuisance)[rows]
    left = (heldout.observed - heldout.predicted)[rows]
    np.testing.assert_allclose(columns.T @ left, 0, atol=1e-8)
    assert np.abs(solved.problem_.data[rows]).max() > 0.3 > np.abs(left).max()


def test_one_type_of_data_cannot_be_predicted_from_others(tmp_path: Path) -> None:
    fault, _, gnss, _ = earthquake(tmp_path)
    inversion = SlipInversion(**QUICK).fit(gnss, [], fault)
    assert inversion.types_ == [] and inversion.by_type_ == []
    assert inversion.types_summary_.startswith("Only one type of data (GNSS)")


def test_outliers_do_not_ruin_the_slip_and_are_named(tmp_path: Path) -> None:
    fault, slip, gnss, scene = earthquake(tmp_path, seed=2)
    rng = np.random.default_rng(1)
    wrong = rng.permutation(len(scene))[: round(0.05 * len(scene))]
    los = scene.los.copy()
    los[wrong] += rng.choice([-1.0, 1.0], wrong.size) * 0.6
    displacement = gnss.displacement.copy()
    displacement[4] += [0.5, -0.5, 0.3]
    data = replace(gnss, displacement=displacement), [replace(scene, los=los)], fault
    chosen, plain = (SlipInversion(noise_model=model, **QUICK).fit(*data) for model in ("auto", "gaussian"))
    correlations = [np.corrcoef(one.slip_.amount, slip)[0, 1] for one in (chosen, plain)]
    assert correlations[0] > 0.9 and correlations[0] > correlations[1] + 0.03
    issues = {one.unit: one for one in chosen.quality_log_.issues if one.kind == "outlier"}
    assert "S04 E" in issues["gnss"].detail
    kinds = chosen.prepared_.observations.kind
    weights = chosen.fitted_.weights[kinds == "insar scene"]
    assert weights[wrong].max() < 0.25 < np.delete(weights, wrong).min() + 0.15
    assert issues["insar scene"].count >= wrong.size
    assert plain.fitted_.weights.min() == 1.0


def test_clean_data_keep_gaussian_noise(tmp_path: Path) -> None:
    fault, _, gnss, scene = earthquake(tmp_path)
    prepared = prepare(gnss, [scene], fault, QualityLog())
    problem = slip_problem(prepared.patch_groups, prepared.observations)
    assert problem.seen_through(np.ones(problem.n_data, bool)).noise.student_dof is None


def test_a_fault_of_thousands_of_patches_is_merged(tmp_path: Path) -> None:
    fault, slip, gnss, _ = earthquake(tmp_path)
    fine, _ = read_fault(fault_file(tmp_path), patch_km=0.9)
    assert len(fine) > 3900
    inversion = SlipInversion(max_patches=40, **QUICK).fit(gnss, [], fine)
    assert inversion.problem_.n_model == 2 * len(inversion.prepared_.patch_groups) <= 2 * 41
    assert (
        inversion.slip_.amount.shape
        == inversion.slip_sd_.shape
        == inversion.resolution_.shape
        == (len(fine),)
    )
    moment = float(fault.area_km2 @ slip), float(fine.area_km2 @ inversion.slip_.amount)
    assert moment[1] == pytest.approx(moment[0], rel=0.25)
    assert any(one.kind == "merged" and one.count == len(fine) for one in inversion.quality_log_.issues)


def test_patch_groups_stay_within_their_segment(tmp_path: Path) -> None:
    fault, _, _, _ = earthquake(tmp_path)
    segment = np.repeat([0, 1], [len(fault) // 2, len(fault) - len(fault) // 2])
    patch_groups = PatchGroups.of(replace(fault, segment=segment), 10)
    assert 2 < len(patch_groups) <= 11
    assert (patch_groups.segment[patch_groups.owner] == segment).all()
    assert patch_groups.area_km2.sum() == pytest.approx(fault.area_km2.sum())
    rng = np.random.default_rng(0)
    columns, values = rng.standard_normal((5, len(fault))), rng.standard_normal(len(patch_groups))
    np.testing.assert_allclose(patch_groups.gathered(columns) @ values, columns @ patch_groups.spread(values))
    assert (patch_groups.graph.edges[:, 0] < patch_groups.graph.edges[:, 1]).all()
    single = PatchGroups.of(fault, len(fault))
    np.testing.assert_array_equal(single.graph.edges, fault.graph().edges)
    assert not single.note


def test_green_functions_in_parts_equal_those_of_the_whole_fault(tmp_path: Path) -> None:
    fault, _, _, _ = earthquake(tmp_path)
    rng = np.random.default_rng(0)
    places, direction = rng.uniform(-40, 40, (7, 2)), rng.standard_normal((7, 3))
    whole = np.einsum("dcps,dc->dps", surface_displacement(fault, places), direction)
    in_parts = displacement_along(fault, places, direction, GreensOptions(max_patches_at_once=5))
    np.testing.assert_allclose(in_parts, whole, atol=1e-12)


def test_too_many_unknowns_are_refused(tmp_path: Path) -> None:
    fault, _, gnss, _ = earthquake(tmp_path)
    with pytest.raises(InputError, match="must be between"):
        SlipInversion(max_patches=5000, **QUICK).fit(gnss, [], fault)
