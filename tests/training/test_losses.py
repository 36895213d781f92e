import math

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.training import golden
from training.losses import ContrastiveLoss, info_nce


def embeddings(batch: int = 6, seed: int = 0) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    names = ("points", "imu", "skeleton", "text")
    return {name: torch.randn(batch, 32, generator=generator) for name in names}


def literal(first: Tensor, second: Tensor, temperature: float) -> float:
    """a→b plus b→a, row by row in float64."""
    a, b = first.double().numpy(), second.double().numpy()
    cosines = (a @ b.T) / np.linalg.norm(a, axis=1)[:, None] / np.linalg.norm(b, axis=1)
    total = 0.0
    for table in (cosines / temperature, cosines.T / temperature):
        total += np.mean([math.log(np.exp(row).sum()) - row[i] for i, row in enumerate(table)])
    return total


def without_text(given: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: rows for name, rows in given.items() if name != "text"}


def test_code_form_is_the_sum_over_pairs_at_temperature_a_tenth() -> None:
    given = without_text(embeddings())
    p, i, s = given.values()
    expected = literal(p, i, 0.1) + literal(p, s, 0.1) + literal(i, s, 0.1)
    assert ContrastiveLoss("code")(given).item() == pytest.approx(expected, abs=1e-5)


def test_paper_form_halves_each_pair_and_learns_its_temperature() -> None:
    given = without_text(embeddings())
    loss = ContrastiveLoss("paper", temperature=0.1)
    total = loss(given)
    assert total.item() == pytest.approx(0.5 * ContrastiveLoss("code")(given).item(), abs=1e-5)
    total.backward()
    assert loss.log_temperature.grad is not None
    assert not ContrastiveLoss("code").log_temperature.requires_grad


def test_text_terms_are_of_the_described_rows_alone() -> None:
    given = embeddings()
    described = torch.tensor([True, False, True, True, False, False])
    text, pairs = given["text"][described], ContrastiveLoss("code")(without_text(given)).item()
    terms = sum(literal(rows[described], text, 0.1) for rows in without_text(given).values())
    found = ContrastiveLoss("code")(given, described)
    assert found.item() == pytest.approx(0.5 * terms + 0.5 * pairs, abs=1e-5)
    given["text"][~described] = math.nan  # what stands there does not matter
    assert ContrastiveLoss("code")(given, described).item() == pytest.approx(found.item())


@pytest.mark.parametrize("form", ["paper", "code"])
def test_a_batch_without_descriptions_is_finite(form: str) -> None:
    given = {name: rows.requires_grad_() for name, rows in embeddings().items()}
    total = ContrastiveLoss(form)(given, torch.zeros(6, dtype=torch.bool))
    total.backward()
    assert total.item() == pytest.approx(0.5 * ContrastiveLoss(form)(without_text(given)).item())
    assert all(rows.grad is not None and rows.grad.isfinite().all() for rows in without_text(given).values())


@pytest.mark.parametrize("form", ["paper", "code"])
def test_one_described_row_adds_nothing(form: str) -> None:
    described = torch.arange(6) == 2
    total = ContrastiveLoss(form)(embeddings(), described)
    assert total.item() == pytest.approx(0.5 * ContrastiveLoss(form)(without_text(embeddings())).item())


def test_equal_captions_are_no_negatives_of_each_other_in_the_papers_form() -> None:
    given = embeddings()
    given["text"][3] = given["text"][0]
    first, text = given["imu"], given["text"]
    same = (text[:, None] == text).all(-1)
    assert info_nce(first, text, 0.1, same).item() < info_nce(first, text, 0.1).item()
    alone = {"imu": first, "text": text}
    assert ContrastiveLoss("paper", 0.1)(alone).item() < 0.5 * ContrastiveLoss("code")(alone).item()


def test_a_single_modality_trains_with_text_alone() -> None:
    given = embeddings()
    total = ContrastiveLoss("code")({"imu": given["imu"], "text": given["text"]})
    assert total.item() == pytest.approx(0.5 * literal(given["imu"], given["text"], 0.1), abs=1e-5)


def test_golden_embeddings_give_the_sum_of_their_six_terms() -> None:
    found = golden.arrays()
    points, imu = (torch.from_numpy(found[f"output/{key}"]) for key in ("pc", "imu"))
    total = ContrastiveLoss("code")({"points": points, "imu": imu})
    assert total.item() == pytest.approx(literal(points, imu, 0.1), abs=1e-5)


def test_equal_embeddings_give_nearly_zero_and_temperature_is_bounded() -> None:
    rows = torch.eye(8)
    assert ContrastiveLoss("code")({"points": rows, "imu": rows}).item() < 0.01
    assert ContrastiveLoss("paper", 1e-6).temperature.item() == pytest.approx(0.01)


def test_cosines_keep_float32_under_autocast() -> None:
    given = without_text(embeddings())
    with torch.autocast("cpu", torch.bfloat16):
        halved = ContrastiveLoss("code")(given)
    assert halved.item() == pytest.approx(ContrastiveLoss("code")(given).item(), abs=1e-6)


def test_an_unknown_form_is_an_error() -> None:
    with pytest.raises(ValueError, match="known: paper, code"):
        ContrastiveLoss("other")
