"""DDS settings for large clouds, made inside the process before ROS starts.

Without them a 4 MB cloud does not fit into the shared-memory segment of Fast DDS and most best-effort
clouds are lost; without the malloc thresholds every cloud is paged in anew by the kernel.
"""

import ctypes
import os
from pathlib import Path

PROFILE = Path(__file__).parent / "shared_memory.xml"
PROFILE_VARIABLE = "FASTRTPS_DEFAULT_PROFILES_FILE"
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3  # malloc.h of glibc
MEBIBYTE = 1 << 20


def prepare_dds() -> None:
    """Large shared-memory segments and warm memory for this process. Call before `rclpy.init`.

    A profile that the user has set in the environment is left as it is.
    """
    os.environ.setdefault(PROFILE_VARIABLE, str(PROFILE))
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:  # glibc only
        mallopt(M_MMAP_THRESHOLD, 1024 * MEBIBYTE)
        mallopt(M_TRIM_THRESHOLD, 1024 * MEBIBYTE)
        mallopt(M_TOP_PAD, 64 * MEBIBYTE)
