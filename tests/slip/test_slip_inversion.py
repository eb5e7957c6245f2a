"""The slip estimator: recovery of known slip, corrections of the data, and verdicts on noise."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from slip_earthquakes import earthquake, gnss_csv, insar_csv

from selfseis import SlipInversion
from selfseis.errors import InputError
from selfseis.slip import Gnss, Insar, SlipOptions

QUICK = {"priors": ("laplacian",), "n_folds": 4, "n_inner": 3, "n_samples": 40, "n_oracle": 2}


@pytest.fixture(scope="module")
def solved(tmp_path_factory: pytest.TempPathFactory) -> tuple[SlipInversion, np.ndarray]:
    fault, slip, gnss, scene = earthquake(tmp_path_factory.mktemp("quake"))
    return SlipInversion(**QUICK).fit(gnss, [scene], fault), slip


def test_known_slip_is_recovered(solved: tuple[SlipInversion, np.ndarray]) -> None:
    inversion, slip = solved
    assert np.corrcoef(inversion.slip_.amount, slip)[0, 1] > 0.9
    assert inversion.verdict_.outcome == "works"
    truth = 2 / 3 * (np.log10(inversion.rigidity_ * inversion.prepared_.fault.area_km2 * 1e6 @ slip) - 9.1)
    assert inversion.magnitude_.low < truth < inversion.magnitude_.high
    assert inversion.chosen_.variance_reduction("gnss") > 0.8


def test_rakes_stay_within_their_limits(solved: tuple[SlipInversion, np.ndarray]) -> None:
    inversion, _ = solved
    fault = inversion.prepared_.fault
    for slip in (inversion.slip_, inversion.slip_samples_):
        assert (slip.rake >= fault.rake_min - 1e-6).all() and (slip.rake <= fault.rake_max + 1e-6).all()
    assert inversion.slip_.rake[inversion.slip_.amount > 1].mean() == pytest.approx(90, abs=12)


def test_moment_by_depth_adds_up(solved: tuple[SlipInversion, np.ndarray]) -> None:
    inversion, _ = solved
    total = sum(row["moment_nm"] for row in inversion.moment_by_depth_)
    assert total == pytest.approx(inversion.magnitude_.moment_nm, rel=1e-6)


def test_a_scene_with_the_wrong_sign_is_reversed(
    solved: tuple[SlipInversion, np.ndarray], tmp_path: Path
) -> None:
    fault, _, gnss, scene = earthquake(tmp_path)
    wrong = SlipInversion(**QUICK).fit(
        gnss_csv(tmp_path / "g.csv", gnss), [insar_csv(tmp_path / "s.csv", scene, sign=-1.0)], fault
    )
    assert [check.turned for check in wrong.prepared_.sign_checks] == [True]
    assert not solved[0].prepared_.sign_checks[0].turned
    np.testing.assert_allclose(wrong.prepared_.scenes[0].los, scene.los, atol=1e-5)
    assert "sign_turned" in {finding.kind for finding in wrong.quality_log_.issues}


def test_swapped_coordinates_and_far_sites_are_corrected(tmp_path: Path) -> None:
    from selfseis.quality_log import QualityLog
    from selfseis.slip.prepare import prepare

    fault, _, gnss, _ = earthquake(tmp_path)
    quality_log = QualityLog()
    prepared = prepare(gnss_csv(tmp_path / "g.csv", gnss, swap=True), [], fault, quality_log)
    assert prepared.gnss is not None
    np.testing.assert_allclose(prepared.gnss.longitude, gnss.longitude, atol=1e-5)
    assert any("exchanged" in finding.detail for finding in quality_log.issues)
    away = replace(gnss, longitude=np.append(gnss.longitude[:-1], 80.0))
    quality_log = QualityLog()
    assert len(prepare(away, [], fault, quality_log).observations) == 3 * (len(gnss) - 1)
    assert {finding.kind: finding.count for finding in quality_log.issues}["too_far"] == 1


def test_pixels_on_the_trace_are_masked(tmp_path: Path) -> None:
    from selfseis.quality_log import QualityLog
    from selfseis.slip.prepare import prepare

    fault, _, gnss, scene = earthquake(tmp_path)
    at_surface = replace(
        fault, corners=tuple(corner - [0, 0, fault.top_km.min()] for corner in fault.corners)
    )
    trace = np.array(
        [corner[:2, :2].mean(axis=0) for corner in at_surface.corners if corner[:, 2].min() < 0.01]
    )
    on_it = scene.take(np.arange(len(trace)))
    on_it = replace(on_it, longitude=trace[:, 0], latitude=trace[:, 1])
    both = Insar("scene", *(np.concatenate(pair) for pair in zip(
        (scene.longitude, scene.latitude, scene.los, scene.look, scene.sd),
        (on_it.longitude, on_it.latitude, on_it.los, on_it.look, on_it.sd), strict=True)))  # fmt: skip
    quality_log = QualityLog()
    prepared = prepare(gnss, [both], at_surface, quality_log)
    masked = {finding.kind: finding.count for finding in quality_log.issues}["near_fault"]
    assert masked >= len(trace) and len(prepared.scenes[0]) == len(both) - masked
    assert len(prepare(gnss, [both], at_surface, QualityLog(), near_fault_km=0).scenes[0]) == len(both)


def test_unknown_rakes_come_from_the_data(tmp_path: Path) -> None:
    from selfseis.quality_log import QualityLog
    from selfseis.slip.prepare import prepare

    fault, _, gnss, scene = earthquake(tmp_path)
    unknown = fault.with_rakes(np.full(len(fault), np.nan), np.full(len(fault), np.nan))
    completed = prepare(gnss, [scene], unknown, QualityLog()).fault
    assert (completed.rake_min < 90).all() and (completed.rake_max > 90).all()


def test_noise_without_an_earthquake_does_not_work(tmp_path: Path) -> None:
    fault, _, gnss, _ = earthquake(tmp_path)
    rng = np.random.default_rng(5)
    noise = replace(gnss, displacement=gnss.sd * rng.standard_normal(gnss.sd.shape))
    assert SlipInversion(**QUICK).fit(noise, [], fault).verdict_.outcome != "works"


def test_gnss_alone_and_insar_alone_are_enough(tmp_path: Path) -> None:
    fault, slip, gnss, scene = earthquake(tmp_path)
    for found in (
        SlipInversion(**QUICK).fit(gnss, [], fault),
        SlipInversion(**QUICK).fit(None, [scene], fault),
    ):
        assert np.corrcoef(found.slip_.amount, slip)[0, 1] > 0.7


def test_options_reach_every_stage_and_survive_a_file(tmp_path: Path) -> None:
    fault, _, gnss, scene = earthquake(tmp_path)
    options = SlipOptions().with_options(
        blocks={"max_blocks": 6},
        quadtree={"max_pixels": 60},
        priors={"roughness": (0.01, 0.1)},
        moment={"level": 0.5, "n_depth_bins": 3},
        inversion={"fit": {"max_rounds": 2}, "evaluation": {"min_gain": 0.5}},
    )
    inversion = SlipInversion(options=options, **QUICK).fit(gnss, [scene], fault)
    assert len(np.unique(inversion.problem_.blocks)) == 6
    assert len(inversion.prepared_.scenes[0]) <= 60
    assert len(inversion.choice_.losses) == 2
    assert len(inversion.moment_by_depth_) == 3
    assert inversion.final_problem_.options is options.inversion
    written = json.loads(json.dumps(inversion.plain_params()))
    assert SlipInversion.from_plain_params(written).options == clone(inversion).options == options


def test_unusable_data_are_refused(tmp_path: Path) -> None:
    fault, _, gnss, _ = earthquake(tmp_path)
    far = replace(gnss, longitude=gnss.longitude + 90)
    few = gnss.take(np.arange(2))
    cases: list[tuple[Gnss | None, str]] = [
        (far, "nothing lies within"),
        (None, "neither GNSS nor InSAR"),
        (few, "at least 4"),
    ]
    for data, message in cases:
        with pytest.raises(InputError, match=message):
            SlipInversion(**QUICK).fit(data, [], fault)
    with pytest.raises(InputError, match="unknown prior"):
        SlipInversion(priors=("wishful",)).fit(gnss, [], fault)
