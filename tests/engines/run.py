#!/usr/bin/env python3
"""Asks several engines the same questions of one lake, through the statements that orgtrail makes for them.

`python3 tests/engines/run.py` makes a virtual environment below `target/`, log files, a lake of them and the statements,
and compares every engine's answers with those that orgtrail gives over the log files. README.md has the rest.
"""

import argparse
import gzip
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import venv

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
WORK = TARGET / "engines"
BUCKET = "acme-lake"
ENGINES = ("duckdb", "athena", "spark", "trino")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--without", action="append", default=[], choices=ENGINES, help="leave an engine out (can be repeated)")
    parser.add_argument("--records", action="append", default=[], type=pathlib.Path, metavar="FOLDER",
                        help="put the records of these JSON files into the lake too (can be repeated)")
    return parser.parse_args()


def environment(without):
    """Makes the virtual environment, unless it is there; returns its interpreter."""
    wanted = (HERE / "requirements.txt").read_text()
    if "spark" in without:
        wanted = "\n".join(line for line in wanted.splitlines() if not line.startswith(("pyspark", "snowpark")))
    folder = TARGET / ("engines-venv-without-spark" if "spark" in without else "engines-venv")
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    done = folder / "installed.txt"
    if not (done.exists() and done.read_text() == wanted):
        print(f"installing into {folder}", flush=True)
        venv.create(folder, with_pip=True, clear=True)
        run = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", "/dev/stdin"]
        if subprocess.run(run, input=wanted, text=True).returncode != 0:
            sys.exit("error: the packages of tests/engines/requirements.txt cannot be installed")
        done.write_text(wanted)
    return python


def must_have_java():
    """Spark 3.5 runs on Java 8, 11 and 17."""
    java = pathlib.Path(os.environ["JAVA_HOME"]) / "bin" / "java" if "JAVA_HOME" in os.environ else "java"
    try:
        said = subprocess.run([java, "-version"], capture_output=True, text=True).stderr
    except OSError:
        said = ""
    if not re.search(r'version "(17|11|1\.8)\b', said):
        found = said.splitlines()[0] if said else "no Java"
        sys.exit(f"error: Spark 3.5 needs Java 17, and there is {found}\n"
                 "  help: apt-get install openjdk-17-jre-headless, set JAVA_HOME, or leave Spark out: --without spark")


def write_logs(folder, records_of):
    """Writes the log files: a small corpus, what is hostile, and published events."""
    example("corpus", folder, "--small")
    lines = [*(HERE / "hostile.jsonl").read_text().splitlines(),
             *(ROOT / "crates/query/tests/published/events.jsonl").read_text().splitlines()]
    for source in records_of:
        for file in sorted(source.rglob("*.json")):
            found = json.loads(file.read_text())
            found = found["Records"] if isinstance(found, dict) else found
            lines += [json.dumps(record, ensure_ascii=False) for record in found]
    for number, at in enumerate(range(0, len(lines), 25)):
        name = f"111111111111_CloudTrail_us-east-1_20261120T{number // 12 % 24:02}{number % 12 * 5:02}Z_Engines{number:09}.json.gz"
        file = folder / "AWSLogs/o-exampleorgid/111111111111/CloudTrail/us-east-1/2026/11/20" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(gzip.compress(('{"Records":[' + ",".join(lines[at:at + 25]) + "]}").encode()))


def build():
    """Builds the program and the examples as `cargo test` does, so that no dependency is built a second time."""
    run = ["cargo", "build", "--quiet", "--locked", "--workspace", "--bin", "orgtrail", "--example", "corpus", "--example", "lake"]
    if subprocess.run(run, cwd=ROOT).returncode != 0:
        sys.exit("error: the program and the examples cannot be built")


def built(*parts):
    """Returns the path of what was built."""
    return (TARGET / "debug").joinpath(*parts).with_suffix(".exe" if os.name == "nt" else "")


def example(name, *rest):
    """Runs an example; returns what it prints."""
    done = subprocess.run([built("examples", name), *map(str, rest)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"error: the example {name} failed")
    return done.stdout


def main():
    asked = arguments()
    if "spark" not in asked.without:
        must_have_java()
    python = environment(asked.without)
    build()
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    write_logs(WORK / "logs", asked.records)
    questions = HERE / "questions.sql"
    said = example("lake", WORK / "logs", WORK / "lake", "--questions", questions, "--statements", WORK / "statements",
                   "--bucket", BUCKET)
    (WORK / "answers.json").write_text(said)
    failed = False
    settings = {**os.environ, "TZ": "UTC"}
    if "athena" not in asked.without:
        settings["ORGTRAIL"] = str(built("orgtrail"))
    engines = [engine for engine in ("duckdb", "athena", "spark") if engine not in asked.without]
    for part in [*engines, "parse"]:
        run = [python, HERE / "engines.py", part, WORK, BUCKET, *asked.without]
        failed |= subprocess.run(run, env=settings).returncode != 0
    for engine in asked.without:
        print(f"{engine}: LEFT OUT, as asked")
    print("Not run here: Athena on AWS, Trino, and anything over S3; their statements are only parsed (README.md).")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
