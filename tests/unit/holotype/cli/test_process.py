"""The command as a process: exit codes, pipes, terminals, missing packages, imports."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
FIXTURE = "tests.golden.small_models"
MAIN = "from holotype.cli import main; main()"


def environment(**more: str) -> dict[str, str]:
    path = os.pathsep.join((str(ROOT / "src"), str(ROOT)))
    kept = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    return {**kept, "PYTHONPATH": path, **more}


def holotype(*arguments: str, code: str = MAIN, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code, "--catalogue", FIXTURE, *arguments],
        capture_output=True,
        encoding="utf-8",
        env=environment(**more),
        check=False,
    )


def on_a_terminal(*arguments: str, columns: int, **more: str) -> tuple[int, str]:
    """Run the command on a pseudo-terminal; return its exit code and what it drew."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", MAIN, "--catalogue", FIXTURE, *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment(COLUMNS=str(columns), TERM="xterm-256color", **more),
    )
    os.close(theirs)
    drawn = b""
    # Linux answers EIO, others an empty read, when the process has closed its side.
    while chunk := _read(ours):
        drawn += chunk
    os.close(ours)
    return process.wait(), drawn.decode().replace("\r\n", "\n")


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:
        return b""


@pytest.mark.parametrize(
    ("arguments", "exit_code"),
    [
        (["list", "--ids"], 0),
        (["--version"], 0),
        (["list", "zzz"], 1),
        (["show", "zzz"], 1),
        (["docs", "--check", "--output", "no/such/page.md"], 1),
        (["list", "--no-such-option"], 2),
        (["no-such-command"], 2),
        ([], 2),
    ],
)
def test_the_exit_code_tells_an_answer_from_a_no_and_from_a_wrong_call(
    arguments: list[str], exit_code: int
) -> None:
    result = holotype(*arguments)
    assert result.returncode == exit_code
    assert "Traceback" not in result.stderr


def test_the_version_names_the_catalogue_and_its_size() -> None:
    assert f"catalogue {FIXTURE} 1.2.3 with 11 models" in holotype("--version").stdout


def test_the_package_runs_as_the_command() -> None:
    command = [sys.executable, "-W", "error", "-m", "holotype", "--catalogue", FIXTURE, "--version"]
    answer = subprocess.run(command, capture_output=True, text=True, env=environment(), check=False)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout.startswith("holotype ")


def test_output_into_a_pipe_is_plain_even_where_colour_is_forced() -> None:
    for arguments in (["list"], ["show", "tiny-clip"], ["--help"], ["list", "--bad"]):
        result = holotype(*arguments, FORCE_COLOR="1", CLICOLOR_FORCE="1", PY_COLORS="1")
        assert "\x1b" not in result.stdout + result.stderr
        assert not set("─│╭╰━┃…") & set(result.stdout + result.stderr)


def test_a_terminal_gets_a_table_with_styles() -> None:
    exit_code, drawn = on_a_terminal("list", columns=80)
    assert exit_code == 0
    assert "\x1b[" in drawn
    assert "10 models" in drawn


def test_no_color_is_honoured() -> None:
    coloured = on_a_terminal("show", "tiny-clip", columns=80)[1]
    plain = on_a_terminal("show", "tiny-clip", columns=80, NO_COLOR="1")[1]
    colour = re.compile(r"\x1b\[[0-9;]*[349][0-7]")
    assert colour.search(coloured)
    assert not colour.search(plain)


@pytest.mark.parametrize("arguments", [["list"], ["docs", "--stdout"], ["list", "--json"]])
def test_a_reader_that_goes_away_ends_the_command_without_a_word(arguments: list[str]) -> None:
    command = [sys.executable, "-c", MAIN, "--catalogue", FIXTURE, *arguments]
    reading, writing = os.pipe()
    os.close(reading)
    result = subprocess.run(
        command, stdout=writing, stderr=subprocess.PIPE, env=environment(), check=False
    )
    os.close(writing)
    assert (result.returncode, result.stderr) == (141, b"")


@pytest.mark.parametrize(
    "arguments", [["list"], ["list", "--json"], ["show", "tiny-dense-v1.5"], ["--help"]], ids=str
)
def test_a_full_disk_is_one_line_and_exit_code_1(arguments: list[str]) -> None:
    command = [sys.executable, "-W", "error", "-c", MAIN, "--catalogue", FIXTURE, *arguments]
    with Path("/dev/full").open("w") as full:
        answer = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, text=True, env=environment(), check=False
        )
    assert answer.returncode == 1
    assert answer.stderr == "error: the answer cannot be written: No space left on device\n"


@pytest.mark.parametrize(
    "arguments",
    [["list"], ["list", "--json"], ["show", "tiny-dense-v1.5"], ["--help"], ["--version"]],
    ids=str,
)
@pytest.mark.parametrize("closed", [">&-", "<&- >&-"])
def test_a_closed_stdout_is_one_line_and_exit_code_1(arguments: list[str], closed: str) -> None:
    command = [sys.executable, "-W", "error", "-c", MAIN, "--catalogue", FIXTURE, *arguments]
    answer = subprocess.run(
        ["sh", "-c", f'exec "$@" {closed}', "sh", *command],
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
        check=False,
    )
    assert answer.returncode == 1
    assert answer.stderr == "error: the answer cannot be written: stdout is closed\n"


@pytest.mark.parametrize("closed", [">&- 2>&-", "<&- >&- 2>&-"])
def test_a_command_without_an_answer_needs_no_streams(closed: str, tmp_path: Path) -> None:
    page = str(tmp_path / "page.md")
    assert holotype("docs", "--output", page).returncode == 0
    command = [sys.executable, "-W", "error", "-c", MAIN, "--catalogue", FIXTURE]
    command += ["docs", "--check", "--output", page]
    answer = subprocess.run(
        ["sh", "-c", f'exec "$@" {closed}', "sh", *command], env=environment(), check=False
    )
    assert answer.returncode == 0


def test_a_stream_that_is_not_utf_8_gets_codes_instead_of_a_traceback() -> None:
    result = holotype("show", "tiny-dense-v2", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert result.returncode == 0
    assert r"\u30af" in result.stdout
    json = holotype("show", "tiny-dense-v2", "--json", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert r'"\u30af\u30a8\u30ea: \""' in json.stdout


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("show tiny-dense-v", ["tiny-dense-v1.5", "tiny-dense-v2", "tiny-dense-v2-sparse"]),
        ("list --type c", ["colbert", "cross-encoder", "classifier", "captioner"]),
        ("list --sort b", ["beir_avg"]),
        ("--catalogue no.such.module show tiny", []),
    ],
)
def test_a_shell_can_complete_ids_kinds_and_sort_keys(words: str, expected: list[str]) -> None:
    line = f"holotype --catalogue {FIXTURE} {words}"
    result = subprocess.run(
        [sys.executable, "-c", MAIN],
        capture_output=True,
        text=True,
        env=environment(
            _HOLOTYPE_COMPLETE="complete_bash",
            COMP_WORDS=line,
            COMP_CWORD=str(len(line.split()) - 1),
        ),
        check=False,
    )
    assert result.stderr == ""
    assert result.stdout.split() == expected


@pytest.mark.parametrize("missing", ["typer", "rich"])
def test_a_missing_package_is_one_line_with_the_command_that_installs_it(missing: str) -> None:
    code = f"import sys; sys.modules[{missing!r}] = None\n"
    code += "sys.stdout.isatty = lambda: True\n" + MAIN
    result = holotype("list", code=code)
    assert result.returncode == 1
    assert result.stderr == (
        f"error: the command line needs {missing!r}, which is not installed; "
        "run: pip install 'holotype[cli]'\n"
    )


def test_ctrl_c_ends_the_command_without_a_word_while_it_is_still_imported() -> None:
    code = """
import sys, types
class Interrupted(types.ModuleType):
    def __getattr__(self, name):
        raise KeyboardInterrupt
sys.modules["holotype.cli.app"] = Interrupted("holotype.cli.app")
from holotype.cli import main
main()
"""
    done = holotype("list", code=code)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_a_missing_package_of_the_generator_is_named_too() -> None:
    code = "import sys, runpy; sys.modules['jinja2'] = None\n"
    code += "runpy.run_module('holotype_codegen', run_name='__main__')"
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )
    assert result.returncode == 1
    assert result.stderr == (
        "error: the generator needs 'jinja2', which is not installed; "
        "run: pip install 'holotype[codegen]'\n"
    )


def test_a_plain_list_imports_nothing_that_draws_computes_or_generates() -> None:
    code = f"""
import sys
try:
    {MAIN}
finally:
    heavy = ("torch", "numpy", "transformers", "rich", "jinja2", "jsonschema", "huggingface_hub")
    print([name for name in heavy if name in sys.modules], file=sys.stderr)
"""
    code = code.replace(MAIN, "from holotype.cli import main\n    main()")
    assert holotype("list", code=code).stderr == "[]\n"


def test_a_locale_without_utf_8_is_named_where_an_argument_needs_it() -> None:
    variables = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    found = holotype("show", "local:store/ü v3", **variables)
    assert found.returncode == 1
    if sys.getfilesystemencoding() == "utf-8" and sys.platform == "linux":
        assert "ascii; set a locale with UTF-8, such as LC_ALL=C.UTF-8" in found.stderr
