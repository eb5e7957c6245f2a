"""Travel-time tomography: known structure, no structure, and the folder of results."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import sparse
from sklearn.base import clone
from tomography_bulletin import SMALL, made_bulletin
from typer.testing import Result

from selfseis import InputError, TravelTimeTomography
from selfseis.geo.earth_models import read_reference
from selfseis.inversion import LinearProblem, Noise
from selfseis.inversion.block_terms import BlockTerms
from selfseis.inversion.solvers import conjugate_gradients, solve_sparse
from selfseis.quality_log import QualityLog
from selfseis.tomography.arrivals import screen
from selfseis.tomography.eikonal_rays import (
    can_trace_eikonal,
    possible_iterations,
    time_field,
    trace_eikonal_rays,
)
from selfseis.tomography.grid import CellGrid
from selfseis.tomography.options import ScreeningOptions, TomographyOptions
from selfseis.tomography.priors import LayeredMatern, candidates
from selfseis.tomography.problem import n_regions
from selfseis.tomography.published_model import PublishedModel
from selfseis.tomography.screening import without_lone_events

Command = Callable[..., Result]
needs_solver = pytest.mark.skipif(not can_trace_eikonal(), reason="scikit-fmm is not installed")
QUICK = {
    "cell": 24.0,
    "hold_out": ("event",),
    "n_folds": 3,
    "n_samples": 8,
    "ray_iterations": 0,
    "options": SMALL,
}


@pytest.fixture(scope="module")
def fitted(bulletin: pd.DataFrame) -> TravelTimeTomography:
    return TravelTimeTomography(**QUICK).fit(bulletin)


def test_a_fast_south_is_found_and_works(fitted: TravelTimeTomography) -> None:
    assert fitted.verdict_.outcome == "works"
    assert fitted.verdict_.gain is not None
    assert fitted.verdict_.gain.low > 0
    model = fitted.model_
    hit = model["ray_count"] > 30
    south = model["dlnv"].where(hit & (model["latitude"] < -30.1)).mean()
    north = model["dlnv"].where(hit & (model["latitude"] > -29.9)).mean()
    assert float(south - north) > 3  # of 8 percent, smoothed
    method = fitted.validations_[0].method
    assert 0.55 < method.coverage() < 0.8
    assert set(fitted.summary_["held_out"]) == {"event"}


def test_no_structure_gives_no_gain() -> None:
    flat = TravelTimeTomography(**QUICK).fit(made_bulletin(3, structure=False))
    assert flat.verdict_.outcome != "works"
    assert flat.verdict_.gain is not None
    assert flat.verdict_.gain.value < 0.02


def test_the_model_is_cf_with_larger_uncertainty_off_the_rays(fitted: TravelTimeTomography) -> None:
    model = fitted.model_
    assert model["dlnv"].dims == ("depth", "latitude", "longitude")
    assert model["dlnv"].attrs["units"] == "percent"
    assert model["depth"].attrs["positive"] == "down"
    assert model.attrs["Conventions"].startswith("CF-")
    crossed = model["ray_count"].values > 30
    assert model["resolution"].values[crossed].mean() > model["resolution"].values[~crossed].mean()
    assert model["sd"].values[crossed].mean() < model["sd"].values[~crossed].mean()
    assert (model["sd"].values > 0).all()


def test_both_waves_and_their_ratio(tmp_path: Path) -> None:
    both = TravelTimeTomography(**QUICK).fit(made_bulletin(1, phases=("P", "S")))
    assert {"dlnv", "dlnv_s", "dln_vp_vs", "sd_vp_vs"} <= set(both.model_)
    # The fast south is as fast for both, so that their ratio has no perturbation.
    sure = np.abs(both.model_["dln_vp_vs"]) > 3 * both.model_["sd_vp_vs"]
    assert float(sure.mean()) < 0.15
    assert set(both.summary_["noise_s"]) == {"P", "S"}


def test_command_and_page(selfseis: Command, bulletin: pd.DataFrame, tmp_path: Path) -> None:
    (tmp_path / "small.json").write_text(json.dumps(SMALL.to_dict()))
    columns = [name for name in bulletin if not name.startswith("station_")]
    bulletin[columns].to_csv(tmp_path / "arrivals.csv", index=False)
    stations = bulletin.drop_duplicates("station")
    stations[["station", "station_latitude", "station_longitude", "station_elevation_m"]].rename(
        columns=lambda name: name.removeprefix("station_")
    ).to_csv(tmp_path / "stations.csv", index=False)
    out = tmp_path / "out"
    done = selfseis(
        "tomography", "--arrivals", tmp_path / "arrivals.csv", "--stations", tmp_path / "stations.csv", "--out", out,
        "--cell", 30, "--hold-out", "event", "--folds", 3, "--samples", 4, "--options", tmp_path / "small.json",
    )  # fmt: skip
    assert done.exit_code == 0, done.stderr
    assert "tomography: works" in done.stdout
    assert "\nneural field " in done.stdout and "\nGaussian process " in done.stdout
    names = {path.name for path in out.iterdir()}
    assert names == {"model.nc", "summary.json", "heldout.csv", "verdict.json", "run.json", "report.html"}
    with xr.open_dataset(out / "model.nc", engine="h5netcdf") as model:
        assert {"dlnv", "sd", "ray_count"} <= set(model)
    table = pd.read_csv(out / "heldout.csv")
    assert {"event_id", "station", "phase", "left_s", "left_null_s", "sd_s", "fold", "held_out"} <= set(table)
    assert table["left_s"].abs().mean() < table["left_null_s"].abs().mean()
    assert json.loads((out / "verdict.json").read_text())[0]["task"] == "tomography"
    assert TomographyOptions.from_dict(json.loads((out / "run.json").read_text())["options"]) == SMALL
    page = (out / "report.html").read_text()
    assert "P-wave velocity from" in page
    assert "Mw" not in page


def test_unusable_input_ends_with_one_line(selfseis: Command, tmp_path: Path) -> None:
    done = selfseis("tomography", "--arrivals", tmp_path / "gone", "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert "does not exist: check the path" in done.stderr.splitlines()[-1]


def test_too_few_arrivals_and_swapped_coordinates_are_refused(bulletin: pd.DataFrame) -> None:
    with pytest.raises(InputError, match="only 14 arrivals are left"):
        TravelTimeTomography(**QUICK).fit(bulletin.head(14))
    swapped = bulletin.assign(event_latitude=bulletin["event_longitude"] - 110)
    with pytest.raises(InputError, match="swapped"):
        TravelTimeTomography(**QUICK).fit(swapped)
    few = pd.concat(
        [bulletin[bulletin["event_id"] == "event00"].assign(event_id=name, station=station)
         .assign(station=lambda rows, station=station: station + rows.index.astype(str))
         for name in "ab" for station in "cd"]
    )  # fmt: skip
    with pytest.raises(InputError, match="too few to hold any out"):
        TravelTimeTomography(**QUICK | {"n_folds": 5}).fit(few)


def test_options_reach_each_stage(bulletin: pd.DataFrame) -> None:
    many = SMALL.with_options(screening={"min_arrivals": 5000})
    with pytest.raises(InputError, match="at least 5000 are needed"):
        TravelTimeTomography(**QUICK | {"options": many}).fit(bulletin)
    options = TomographyOptions().with_options(
        grid={"mantle_depths_km": [0, 500, 2891]},
        mantle_prior={"range_km": [900.0]},
        held_out={"max_regions": 5},
    )
    mantle = CellGrid.of_earth(30.0, options=options.grid)
    assert mantle.depth_edges.tolist() == [0, 500, 2891]
    assert candidates(mantle, 1, options).gaussian["range"] == (900.0,)
    assert n_regions(1000, options.held_out) == 5
    noise = screen(bulletin.assign(sigma_s=np.nan), options=ScreeningOptions(sigma_p_s=0.2))
    assert set(noise.arrivals["sigma_s"]) == {0.2}


def test_options_survive_a_copy_and_a_file() -> None:
    tomography = TravelTimeTomography(options=SMALL)
    assert clone(tomography).options == SMALL
    stored = json.loads(json.dumps(tomography.plain_params()))
    assert TravelTimeTomography.from_plain_params(stored).options == SMALL


def test_lengths_of_a_region_are_shares_of_its_size() -> None:
    region = CellGrid.of_region((-0.5, 0.5), (10.0, 11.0), 20.0, np.array([0.0, 10.0, 40.0]))
    found = candidates(region, 2)
    width = 111.195
    np.testing.assert_allclose(found.gaussian["range"], width * np.array([0.1, 0.2, 0.4, 0.8]))
    np.testing.assert_allclose(found.network["scale"], width * np.array([0.07, 0.15, 0.3]))
    assert found.fade_km == 10.0
    assert "s_over_p" in found.gaussian and "s_over_p" not in candidates(region, 1).gaussian


def test_lone_events_are_counted(bulletin: pd.DataFrame) -> None:
    quality_log = QualityLog()
    lone = bulletin[bulletin["event_id"] == "event00"].head(3)
    kept = without_lone_events(pd.concat([bulletin[bulletin["event_id"] != "event00"], lone]), quality_log)
    assert "event00" not in set(kept["event_id"])
    assert quality_log.to_dict()["kinds"]["too_few"]["count"] == 3


def test_draws_have_the_covariance_of_the_posterior() -> None:
    rng = np.random.default_rng(0)
    operator = sparse.csr_array(rng.standard_normal((30, 6)))
    nuisance = sparse.csr_array(np.repeat(np.eye(5), 6, axis=0))
    root = sparse.csr_array(np.diag(np.arange(1.0, 7.0)) + 0.3 * np.eye(6, k=1))
    noise = Noise(np.full(30, 0.5), np.full(30, "P"))
    problem = LinearProblem(
        operator, rng.standard_normal(30), noise, np.repeat(np.arange(5), 6), nuisance, np.full(5, 2.0)
    )
    draws = solve_sparse(problem, np.full(30, 4.0), root, n_samples=6000)
    columns = np.hstack([operator.toarray(), nuisance.toarray()])
    prior = np.zeros((11, 11))
    prior[:6, :6] = (root.T @ root).toarray()
    prior[6:, 6:] = np.eye(5) / 4
    covariance = np.linalg.inv(4 * columns.T @ columns + prior)
    np.testing.assert_allclose(draws.mode, covariance @ (4 * columns.T @ problem.data), atol=2e-3)
    np.testing.assert_allclose(np.cov(draws.samples.T), covariance, atol=0.06 * np.diag(covariance).max())


def test_conjugate_gradients_solve_each_column_separately() -> None:
    rng = np.random.default_rng(1)
    factor = rng.standard_normal((20, 20))
    matrix = factor @ factor.T + np.eye(20)
    right = np.column_stack([rng.standard_normal((20, 3)), 1e-6 * rng.standard_normal(20)])
    solved = conjugate_gradients(lambda x: matrix @ x, right, 1 / np.diag(matrix), np.zeros((20, 4)))
    exact = np.linalg.solve(matrix, right)
    np.testing.assert_allclose(
        solved / np.linalg.norm(exact, axis=0), exact / np.linalg.norm(exact, axis=0), atol=0.02
    )


def test_block_terms_are_fitted_to_the_held_out_block() -> None:
    blocks = np.repeat([0, 1], 6)
    terms = sparse.csr_array(
        np.column_stack([blocks == 0, blocks == 1, np.arange(12) % 3 == 0]).astype(float)
    )
    noise = Noise(np.ones(12), np.full(12, "P"))
    problem = LinearProblem(sparse.csr_array((12, 2)), np.zeros(12), noise, blocks, terms, np.full(3, np.inf))
    own = BlockTerms(problem, blocks == 1, blocks == 0)
    residual = 5.0 + np.arange(6.0)
    found = own.explain(residual, np.ones(6), np.zeros(3))
    np.testing.assert_allclose(
        found.residual, residual - residual.mean(), atol=1e-9
    )  # the station term is known
    np.testing.assert_allclose(found.noise_share, 5 / 6)


def test_the_prior_has_its_stated_size_and_range() -> None:
    grid = CellGrid.of_region((-5.0, 5.0), (0.0, 10.0), 40.0, np.linspace(0, 600, 16))
    prior = LayeredMatern(grid, {}, 100.0)
    setting = {"sd": 2.0, "range": 250.0, "flatness": 1.0, "top": 1.0}
    root = prior.root(setting)
    white = np.random.default_rng(0).standard_normal((grid.n_cells, 60))
    draws = root.solve(white).reshape(grid.n_layers, len(grid.n_around), -1, 60)
    middle = draws[5:10, 8:-8, 8:-8]
    assert middle.std() == pytest.approx(2.0, rel=0.2)
    apart = 6  # cells: about one range of 250 km, where the correlation is about 0.13
    first, second = middle[:, :, :-apart], middle[:, :, apart:]
    assert np.corrcoef(first.ravel(), second.ravel())[0, 1] == pytest.approx(0.15, abs=0.1)


def test_without_the_solver_rays_stay_and_the_log_has_an_issue() -> None:
    quality_log = QualityLog()
    assert possible_iterations(2, quality_log, has_solver=True) == 2
    assert possible_iterations(0, quality_log, has_solver=False) == 0
    assert not quality_log.issues
    assert possible_iterations(2, quality_log, has_solver=False) == 0
    assert "selfseis[regional]" in quality_log.issues[0].detail


@needs_solver
def test_fast_marching_from_between_the_nodes() -> None:
    source = np.array([10.3, 12.6, 4.2])
    time = time_field(np.broadcast_to(np.full(20, 5.0), (30, 28, 20)), source, 2.0)
    axes = np.meshgrid(*(np.arange(n) - s for n, s in zip(time.shape, source, strict=True)), indexing="ij")
    exact = 2.0 * np.sqrt(sum(axis**2 for axis in axes)) / 5.0
    assert np.abs(time - exact).max() < 0.2
    assert np.corrcoef(time.ravel(), exact.ravel())[0, 1] > 0.999


@needs_solver
def test_rays_traced_again_stay_where_nothing_changes_and_bend_to_the_fast_side(
    fitted: TravelTimeTomography,
) -> None:
    reference, coarse = read_reference("ak135"), SMALL.with_options(eikonal={"max_nodes": 25_000})
    flat = fitted.image_
    zero = type(flat)(**vars(flat) | {"dlnv": np.zeros_like(flat.dlnv)})
    again = trace_eikonal_rays(fitted.traced_, zero, reference, fitted.grid_, coarse)
    np.testing.assert_allclose(again.predicted, fitted.traced_.predicted, atol=1e-6)
    through = [np.asarray(one.operator.sum(axis=1)).ravel() for one in (again, fitted.traced_)]
    assert np.corrcoef(*through)[0, 1] > 0.98
    bent = trace_eikonal_rays(fitted.traced_, fitted.image_, reference, fitted.grid_, coarse)
    predicted = bent.predicted + bent.operator @ fitted.image_.dlnv[0].astype(np.float32)
    straight = fitted.traced_.predicted + fitted.traced_.operator @ fitted.image_.dlnv[0].astype(np.float32)
    assert np.abs(predicted - straight).mean() < 0.1  # a second-order effect


def test_published_models(shared_data: Path) -> None:
    model = PublishedModel.from_file(shared_data / "tomography" / "models" / "HMSL-P06_dvp.nc")
    at_node = model.at(np.array([-88.0]), np.array([-178.0]), np.array([66.0]))
    assert at_node[0] == pytest.approx(model.percent[0, 0, 0])
    assert model.at(np.zeros(1), np.array([182.0]), np.array([500.0])) == pytest.approx(
        model.at(np.zeros(1), np.array([-178.0]), np.array([500.0]))
    )
    other = PublishedModel.from_file(shared_data / "tomography" / "models" / "SPani_dvp.nc").on(
        CellGrid.of_earth(8.0)
    )
    ours = model.on(CellGrid.of_earth(8.0))
    assert np.corrcoef(ours, other)[0, 1] > 0.4


def test_invalid_published_models_are_refused(tmp_path: Path) -> None:
    (tmp_path / "wrong.nc").write_text("nothing")
    with pytest.raises(InputError, match="not a published model"):
        PublishedModel.from_file(tmp_path / "wrong.nc")
