"""One process or several: where the batch is shared out, and where negatives are gathered."""

import os
from collections.abc import Iterable, Mapping

import numba
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.nn.functional import all_gather


def start(device: str) -> tuple[int, int]:
    """Join the group that `torchrun` announces in the environment; (rank, processes), alone (0, 1).

    The processes of a machine share out its cores: more threads than cores would wait for each other.
    """
    if "WORLD_SIZE" not in os.environ:
        return 0, 1
    if not dist.is_initialized():
        dist.init_process_group("nccl" if device == "cuda" else "gloo")
    beside = int(os.environ.get("LOCAL_WORLD_SIZE", dist.get_world_size()))
    numba.set_num_threads(max(1, numba.config.NUMBA_NUM_THREADS // beside))
    return dist.get_rank(), dist.get_world_size()


def gather_rows(rows: Tensor) -> Tensor:
    """B×… of every rank, one after another, with gradients flowing back to all of them."""
    if not dist.is_initialized():
        return rows
    everybodys: tuple[Tensor, ...] = all_gather(rows.contiguous())  # type: ignore[no-untyped-call]
    return torch.cat(everybodys)


def gather_embeddings(embeddings: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The embeddings of the whole batch by modality."""
    return {name: gather_rows(rows) for name, rows in embeddings.items()}


def average_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Mean of the gradients over the ranks: each computed the loss of the whole batch.

    Gathering sends back the sum over the ranks' equal losses, so their mean is the gradient of one.
    """
    if not dist.is_initialized():
        return
    for parameter in parameters:
        if parameter.grad is not None:
            dist.all_reduce(parameter.grad)
            parameter.grad /= dist.get_world_size()


def stop() -> None:
    """Leave the group."""
    if dist.is_initialized():
        dist.destroy_process_group()
