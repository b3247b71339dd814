"""The house rules of docs/architecture.md, checked on the source itself.

An import may only lead down. Whoever needs an arrow that is not here changes this file and
`docs/architecture.md` in the same commit, and says why.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src"

# From the ground up. A package imports from lower floors only, never from its own floor's others.
FLOORS = [
    {
        "errors",
        "wording",
        "seeds",
        "progress",
        "_version",
        "_waiting",
        "device",
        "networks",
        "objectives",
    },
    {"files", "provenance", "terminal", "sandbox"},
    {"folders", "config", "evidence", "child", "extraction"},
    {"pool"},
    {"augmentation", "report", "prior"},
    {"scans"},
    {"preparation", "phantom"},
    {"cohort"},
    {"planning", "training"},
    {"recipes"},
    {"synthesis"},
    {"attack"},
    {"stations"},
    {"study", "tuning"},
    {"run"},
    {"dry_run"},
    {"cli"},
    {"__main__"},
]
# Height alone would let anything above use these; what they are for is narrower.
ONLY_FOR = {
    # The recipes that translate compare images in early features of the backbone.
    "evidence": {
        "recipes",
        "report",
        "synthesis",
        "attack",
        "stations",
        "study",
        "tuning",
        "run",
        "cli",
    },
    "report": {"stations"},
    "networks": {"training", "recipes"},
    "objectives": {"recipes", "training"},
    "augmentation": {"recipes"},
    "prior": {"recipes"},
    "phantom": {"run", "cli"},
    "scans": {"preparation", "phantom", "cohort"},
    "preparation": {"cohort"},
}
NO_TORCH = {"scans", "preparation", "cohort", "config", "planning", "report"}
RUNS_CODE = {
    *("eval", "exec", "compile", "__import__", "os.system", "os.popen"),
    *("yaml.load", "yaml.unsafe_load", "yaml.full_load", "torch.save"),
}
PICKLING = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}
RENDERINGS = {"progress", "terminal"}
LONGEST_FUNCTION, LONGEST_FILE = 60, 300
# Longer functions, each with the reason why it is one piece.
LONG_FUNCTIONS = {
    "popgan.cli.run.run": "one option of the command a parameter",
    "popgan.cli.phantom.phantom": "one option of the command a parameter",
    "popgan.cli.tune.tune": "one option of the command a parameter",
    "popgan.cli.study.create": "one option of the command a parameter",
}


@cache
def modules() -> dict[str, ast.Module]:
    """Every module of popgan by its dotted name, parsed."""
    found = {}
    for path in sorted((SOURCE / "popgan").rglob("*.py")):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        name = ".".join(part for part in parts if part != "__init__")
        found[name] = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    return found


def imports(name: str) -> Iterator[str]:
    """Dotted names of the modules that a module imports, anywhere in it, for types as well."""
    for node in ast.walk(modules()[name]):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 and node.module, f"{name}: relative import"
            inside = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (child if child in modules() else node.module for child in inside)


def own_imports(name: str) -> set[str]:
    return {target for target in imports(name) if target.split(".")[0] == "popgan"}


def package(name: str) -> str:
    """The part of the house that a module belongs to; "" for the facade `popgan` itself."""
    return name.split(".")[1] if "." in name else ""


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Every call with the dotted name it is written with."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def test_every_part_of_the_house_has_a_floor() -> None:
    assert {package(name) for name in modules()} - {""} == set().union(*FLOORS)
    assert sum(map(len, FLOORS)) == len(set().union(*FLOORS))


def test_imports_lead_down() -> None:
    height = {part: level for level, floor in enumerate(FLOORS) for part in floor}
    wrong = [
        f"{name} imports {target}"
        for name in modules()
        for target in own_imports(name)
        if name != "popgan"
        and package(name) != package(target)
        # `from popgan import x` names the facade only where x is no module.
        and (target == "popgan" or height[package(target)] >= height[package(name)])
    ]
    assert wrong == []


def test_parts_with_one_purpose_are_used_for_it_alone() -> None:
    wrong = [
        f"{name} imports {target}"
        for name in modules()
        for target in own_imports(name)
        if name != "popgan"
        and package(target) in ONLY_FOR
        and package(name) not in {package(target), *ONLY_FOR[package(target)]}
    ]
    assert wrong == []


def test_no_circle_of_modules() -> None:
    edges = {name: own_imports(name) - {"popgan", name} for name in modules() if name != "popgan"}
    done: set[str] = set()

    def visit(name: str, trail: list[str]) -> None:
        assert name not in trail, " -> ".join([*trail, name])
        if name not in done:
            for target in sorted(edges[name]):
                visit(target, [*trail, name])
            done.add(name)

    for name in edges:
        visit(name, [])


def test_data_and_words_need_no_torch() -> None:
    wrong = [
        name
        for name in modules()
        if package(name) in NO_TORCH and any(t.split(".")[0] == "torch" for t in imports(name))
    ]
    assert wrong == []


def test_the_command_line_starts_without_heavy_packages() -> None:
    code = (
        "import sys, popgan, popgan.cli.main; "
        "print(*sorted({name.split('.')[0] for name in sys.modules}))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    heavy = {
        "torch",
        "numpy",
        "scipy",
        "nibabel",
        "matplotlib",
        "pandas",
        "nilearn",
        "PIL",
        "pydicom",
        "starlette",
        "uvicorn",
        "statsmodels",
        "sklearn",
        "optuna",
        "ray",
    }
    assert heavy & set(result.stdout.split()) == set()


def test_only_the_command_line_prints() -> None:
    """Everything else speaks through `Reporter`, whose renderings live in two modules."""
    voices = re.compile(r"p?print|warnings\.warn|typer\..*|(sys\.)?(stdout|stderr)\.write")
    wrong = []
    for name, tree in modules().items():
        if package(name) in {"cli", *RENDERINGS}:
            continue
        wrong += [
            f"{name}:{n.lineno} {called}" for called, n in calls(tree) if voices.fullmatch(called)
        ]
        loud = [t for t in imports(name) if t.split(".")[0] in {"logging", "rich", "typer"}]
        wrong += [f"{name} imports {target}" for target in loud]
    assert wrong == []


def test_nothing_read_can_run_code() -> None:
    wrong = [
        f"{name} imports {target}"
        for name in modules()
        for target in imports(name)
        if target.split(".")[0] in PICKLING
    ]
    for name, tree in modules().items():
        for called, node in calls(tree):
            where = f"{name}:{node.lineno} {called}"
            options = {key.arg: ast.unparse(key.value) for key in node.keywords}
            if called in RUNS_CODE:
                wrong.append(where)
            elif called == "torch.load":
                # Third-party files; their SHA-256 is checked before they get here, below.
                pinned = name in {"popgan.evidence.features", "popgan.evidence.inception"}
                wrong += [] if pinned and options.get("weights_only") == "True" else [where]
            elif called == "torch.jit.load":
                # Networks as TorchScript; their SHA-256 is checked first, below.
                wrong += [] if name == "popgan.extraction" else [where]
            elif called in {"np.load", "np.save", "numpy.load", "numpy.save"}:
                wrong += [] if options.get("allow_pickle") == "False" else [where]
            elif options.get("shell", "False") != "False":
                wrong.append(where)
    assert wrong == []


@pytest.mark.parametrize(
    ("name", "checked"),
    [("features", "sha256(weights).hexdigest()"), ("inception", "sha256(content).hexdigest()")],
)
def test_the_pinned_weights_are_checked_before_they_are_loaded(name: str, checked: str) -> None:
    lines = ast.unparse(modules()[f"popgan.evidence.{name}"]).splitlines()
    check = next(i for i, line in enumerate(lines) if checked in line)
    load = next(i for i, line in enumerate(lines) if "torch.load(" in line)
    assert check < load


def test_the_networks_for_brains_are_checked_before_they_are_loaded() -> None:
    lines = ast.unparse(modules()["popgan.extraction"]).splitlines()
    check = next(i for i, line in enumerate(lines) if "sha256(raw).hexdigest() !=" in line)
    load = next(i for i, line in enumerate(lines) if "torch.jit.load(io.BytesIO(raw)" in line)
    assert check < load


def test_every_file_says_its_one_idea_first() -> None:
    assert [name for name, tree in modules().items() if not ast.get_docstring(tree)] == []


def test_files_and_functions_can_be_taken_in_at_a_glance() -> None:
    long_files = [
        path.relative_to(SOURCE).as_posix()
        for path in sorted((SOURCE / "popgan").rglob("*.py"))
        if len(path.read_text(encoding="utf-8").splitlines()) > LONGEST_FILE
    ]
    assert long_files == []
    long = {
        f"{name}.{node.name}"
        for name, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and lines_of_code(node) > LONGEST_FUNCTION
    }
    assert long == set(LONG_FUNCTIONS)


def lines_of_code(function: ast.FunctionDef) -> int:
    """Lines of a function without its docstring."""
    assert function.end_lineno is not None
    first = function.body[0]
    text = ast.get_docstring(function) is not None
    docstring = (first.end_lineno or 0) - first.lineno + 1 if text else 0
    return function.end_lineno - function.lineno + 1 - docstring


def test_the_architecture_page_names_every_part_and_no_file_that_is_gone() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    words = set(re.findall(r"\w+", text))
    silent = {"__main__", "_version"}
    assert {package(name) for name in modules()} - {""} - silent <= words
    named = re.findall(r"`((?:[a-z_]+/)+[a-z_]+\.py)`", text)
    assert len(named) > 10
    places = (SOURCE / "popgan", ROOT)
    assert [name for name in named if not any((place / name).exists() for place in places)] == []


def test_tests_mirror_the_source() -> None:
    folders = {path.name for path in (ROOT / "tests").iterdir() if any(path.glob("test_*.py"))}
    assert folders - {package(name) for name in modules()} <= {"benchmarks", "docs"}


def test_no_path_of_somebodys_machine() -> None:
    # Written apart, so that this file does not find itself.
    homes = "|".join(["home", "Users", "root", "work", "tmp", "mnt", "scratch"])
    pattern = re.compile(rf"(?<![\w.$}}])/(?:{homes})/[\w.-]+")
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, timeout=60
        ).stdout.decode()
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout, so there is no list of the repository's files")
    wrong = []
    for name in filter(None, listed.split("\0")):
        try:
            text = (ROOT / name).read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError):
            continue
        wrong += [f"{name}: {found}" for found in pattern.findall(text)]
    assert wrong == []


def test_every_name_of_the_python_interface_is_where_it_is_looked_for() -> None:
    import popgan

    assert sorted({*popgan._HOME, "__version__"}) == sorted(popgan.__all__)
    assert [name for name in popgan.__all__ if getattr(popgan, name, None) is None] == []
