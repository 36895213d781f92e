"""The data sets that can be converted into a sequence store, by name."""

from training.data.sources.amass import AmassSource
from training.data.sources.base import Source
from training.data.sources.bvh import BvhSource
from training.data.sources.hmpear import HmpearSource
from training.data.sources.lipd import LipdSource
from training.data.sources.mocap import MocapSource
from training.data.sources.msr_action3d import MsrAction3dSource
from training.data.sources.utd_mhad import UtdMhadSource

SOURCES: dict[str, type[Source]] = {
    "mocap": MocapSource,
    "bvh": BvhSource,
    "amass": AmassSource,
    "lipd": LipdSource,
    "msr_action3d": MsrAction3dSource,
    "hmpear": HmpearSource,
    "utd_mhad": UtdMhadSource,
}
