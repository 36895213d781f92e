"""Who trains, who is chosen on, who is held apart. One person is in one group, whatever the folder."""

TRAIN = (
    "cmu/01", "cmu/03", "cmu/06", "cmu/07", "cmu/12", "cmu/14", "cmu/35", "cmu/38", "cmu/43", "cmu/49",
    "cmu/55", "cmu/60", "cmu/61", "reactidle/000", "reactidle/001", "reactidle/002", "reactidle/004",
    "reactidle/008", "reactidle/010", "reactidle/011", "reactidle/013",
    "utd_mhad/1", "utd_mhad/2", "utd_mhad/3", "utd_mhad/4",
)  # fmt: skip
VALIDATE = ("cmu/13", "cmu/16", "reactidle/007", "utd_mhad/5")
TEST = (
    "cmu/05", "cmu/08", "cmu/39", "cmu/94", "reactidle/003", "reactidle/009", "reactidle/012", "utd_mhad/6",
)  # fmt: skip
TEST_SETS = ("hdm05", "bandai_ds2")  # whole data sets that are never trained on
SEALED = (
    "cmu/02", "cmu/10", "cmu/135", "reactidle/005", "reactidle/006", "utd_mhad/7", "utd_mhad/8",
)  # fmt: skip
SEALED_SETS = ("bandai_ds1", "pfnn")
UNKNOWN = ("cmu/c2s",)  # clips of a collection whose subjects are not told: no split could hold them apart


def group_of(person: str) -> str:
    """ "train", "validate" or "test" of a captured person ("cmu/07"); "" for one who is not used at all."""
    if person.partition("/")[0] in TEST_SETS or person in TEST:
        return "test"
    return "train" if person in TRAIN else "validate" if person in VALIDATE else ""


def sealed(person: str) -> str:
    """Why a person's data may not be converted at all, "" where it may."""
    if person in SEALED or person.partition("/")[0] in SEALED_SETS:
        return f"{person} belongs to the sealed test set"
    return f"{person}: the subjects are not known, so no split could hold them apart" * (person in UNKNOWN)
