"""Each engine over the lake: `engines.py ENGINE FOLDER BUCKET`, in the environment that run.py makes."""

import datetime
import decimal
import glob
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import time

DAY = re.compile(r"event_time >= TIMESTAMP '(\S+) 00:00:00' AND event_time < TIMESTAMP '\S+ 00:00:00' /\* day \*/")
UNNEST = re.compile(r"CROSS JOIN UNNEST\((\w+)\) AS t\((\w+)\)")


def statements(folder, name):
    """The statements of a file, without comments. No `;` of ours ends a line within a text."""
    text = (folder / "statements" / name).read_text()
    plain = "".join(line for line in text.splitlines(keepends=True) if not line.startswith("--"))
    return [one for one in map(str.strip, plain.split(";\n")) if one]


def plain(value, is_text=False):
    """A value as it is compared: the same in every engine's spelling. `is_text`: the engine gives everything as text."""
    if isinstance(value, bool):
        return str(value).lower() if is_text else value
    if isinstance(value, datetime.datetime):
        value = value if value.tzinfo else value.replace(tzinfo=datetime.timezone.utc)
        return value.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        value = int(value)
    if isinstance(value, int):
        return str(value) if is_text else value
    if isinstance(value, str) and (found := re.fullmatch(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?(?:Z|\+00(?::00)?| UTC)?", value)):
        return f"{found[1]}T{found[2]}.{found[3] or '':0<6}Z"
    return value


def compare(name, folder, ask, is_text=False, spell=lambda sql: sql):
    """Asks every question; tells each that has another answer than orgtrail gives over the log files."""
    asked = json.loads((folder / "answers.json").read_text())["answers"]
    different = 0
    for question in asked:
        sql = spell(DAY.sub(r"day = '\1'", question["sql"]))
        try:
            rows = ask(sql)
        except Exception as error:  # noqa: BLE001: whatever an engine raises is its answer
            print(f"{name}: {question['name']}: FAILED: {str(error)[:600]}")
            different += 1
            continue
        def key(rows):
            return sorted(json.dumps([plain(value, is_text) for value in row], ensure_ascii=True) for row in rows)
        found, expected = key(rows), key(question["rows"])
        if found != expected:
            different += 1
            print(f"{name}: {question['name']}: DIFFERENT: {len(found)} rows, and not {len(expected)}")
            for side, some in (("  only there", set(found) - set(expected)), ("  only in orgtrail", set(expected) - set(found))):
                for row in sorted(some)[:3]:
                    print(f"{side}: {row[:600]}")
    rows = sum(len(question["rows"]) for question in asked)
    print(f"{name}: RUN, {len(asked) - different} of {len(asked)} answers are equal ({rows} rows)", flush=True)
    return different == 0


def duckdb_part(folder, _bucket):
    import duckdb
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    for name in ("duckdb.slots.folder.sql", "duckdb.raw.folder.sql"):
        for statement in statements(folder, name):
            connection.execute(statement)
    ask = lambda sql: connection.execute(sql).fetchall()
    equal = compare(f"DuckDB {duckdb.__version__} over slots", folder, ask)
    return raw("DuckDB over log files", folder, ask) and equal


def raw(name, folder, ask):
    """The table over log files has every record, also those that were delivered again."""
    files = glob.glob(str(folder / "logs" / "**" / "*.json.gz"), recursive=True)
    import gzip
    expected = sum(len(json.loads(gzip.open(file).read())["Records"]) for file in files)
    sql = "SELECT count(*), count(useridentity.type), min(day), min(account), max(region) FROM log_events"
    found = tuple(ask(sql)[0])
    ids = sum(1 for file in files for record in json.loads(gzip.open(file).read())["Records"]
              if isinstance(record.get("userIdentity"), dict) and record["userIdentity"].get("type"))
    wanted = (expected, ids, "2026/11/20", "111111111111", "us-west-2")
    if found[:1] + found[2:4] != wanted[:1] + wanted[2:4] or found[1] != ids:
        print(f"{name}: DIFFERENT: {found}, and not {wanted}")
        return False
    print(f"{name}: RUN, has all {expected} records")
    return True


def spark_part(folder, _bucket):
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    import pyspark
    import snowpark_connect_deps_iceberg as jars
    from pyspark.sql import SparkSession
    jar = glob.glob(os.path.join(os.path.dirname(jars.__file__), "jars", "iceberg-spark-runtime-3.5_2.12-*.jar"))
    warehouse = folder / "warehouse"
    settings = {
        "spark.jars": ",".join(jar),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.warehouse.dir": str(warehouse),
        "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
        "spark.sql.catalog.ice": "org.apache.iceberg.spark.SparkCatalog",
        "spark.sql.catalog.ice.type": "hadoop",
        "spark.sql.catalog.ice.warehouse": str(warehouse / "ice"),
    }
    builder = SparkSession.builder.master("local[2]")
    for key, value in settings.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    session.sql("CREATE DATABASE audit")
    session.sql("CREATE DATABASE ice.audit")
    for name in ("spark.slots.folder.sql", "spark.iceberg.folder.sql", "spark.raw.folder.sql"):
        for statement in statements(folder, name):
            session.sql(statement)

    def ask(sql):
        # As Arrow: Python's own times of Spark have no time zone.
        frame = session.sql(sql)
        return [tuple(row) for row in frame.collect()]

    def over(table):
        return lambda sql: UNNEST.sub(r"CROSS JOIN LATERAL explode(\1) AS t(\2)", sql).replace("FROM events", f"FROM {table}")
    equal = compare(f"Spark {pyspark.__version__} over slots", folder, ask, spell=over("audit.events"))
    # What has no time is of no day, and was not adopted: its questions are left to the slots.
    session.sql("CREATE OR REPLACE TEMPORARY VIEW adopted AS SELECT * FROM ice.audit.adopted UNION ALL "
                "SELECT * FROM audit.events WHERE day = '1970-01-01'")
    equal = compare("Spark over slots that Iceberg adopted", folder, ask, spell=over("adopted")) and equal
    equal = raw("Spark over log files", folder, ask) and equal
    session.stop()
    return equal


def athena_part(folder, bucket):
    import botocore.session
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {**os.environ, "GATEWAY_PORT": str(port), "LOG_LEVEL": "ERROR", "ATHENA_ENGINE": "duckdb"}
    with open(folder / "ministack.log", "w") as log:
        server = subprocess.Popen([sys.executable, "-m", "ministack"], env=settings, stdout=log, stderr=log, cwd=folder)
    try:
        session = botocore.session.get_session()
        session.set_credentials("test", "test")
        client = lambda service: session.create_client(service, "us-east-1", endpoint_url=f"http://127.0.0.1:{port}")
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        s3, athena, glue = client("s3"), client("athena"), client("glue")
        for name in (bucket, "results"):
            s3.create_bucket(Bucket=name)
        for file in sorted((folder / "lake").rglob("*")):
            if file.is_file():
                s3.put_object(Bucket=bucket, Key=f"lake/{file.relative_to(folder / 'lake').as_posix()}", Body=file.read_bytes())
        glue.create_database(DatabaseInput={"Name": "audit"})

        def run(sql):
            started = athena.start_query_execution(
                QueryString=sql, QueryExecutionContext={"Database": "audit"},
                ResultConfiguration={"OutputLocation": "s3://results/"})["QueryExecutionId"]
            while True:
                status = athena.get_query_execution(QueryExecutionId=started)["QueryExecution"]["Status"]
                if status["State"] == "SUCCEEDED":
                    return started
                if status["State"] in ("FAILED", "CANCELLED"):
                    raise RuntimeError(status.get("StateChangeReason", "no reason"))
                time.sleep(0.05)

        def ask(sql):
            started, rows, more = run(sql), [], {}
            while True:
                page = athena.get_query_results(QueryExecutionId=started, **more)
                rows += [[cell.get("VarCharValue") for cell in row["Data"]] for row in page["ResultSet"]["Rows"]]
                if not page.get("NextToken"):
                    return rows[1:]
                more = {"NextToken": page["NextToken"]}
        # With its comments and `;`, as a person would paste it. The emulator takes the table over log files too, but does
        # not project partitions and has no reader of CloudTrail's files.
        for name in ("athena.slots.s3.sql", "athena.raw.s3.sql"):
            run((folder / "statements" / name).read_text())
        found = glue.get_table(DatabaseName="audit", Name="events")["Table"]
        assert found["Parameters"]["projection.day.type"] == "date" and found["PartitionKeys"][0]["Name"] == "day", found
        equal = compare("Athena, emulated by ministack, over slots", folder, ask, is_text=True)
        # The same table by the name that `lake ddl` gives it, for which `events` stands in a question.
        keep = ("StorageDescriptor", "PartitionKeys", "TableType", "Parameters")
        copy = {"Name": "cloudtrail_events", **{key: found[key] for key in keep if key in found}}
        glue.create_table(DatabaseName="audit", TableInput=copy)
        limits = {"BytesScannedCutoffPerQuery": 1 << 30, "EnforceWorkGroupConfiguration": True,
                  "ResultConfiguration": {"OutputLocation": "s3://results/"}}
        athena.create_work_group(Name="audit", Configuration=limits)
        return through_orgtrail(folder, bucket, port, athena) and equal
    finally:
        server.terminate()
        server.wait(20)


def through_orgtrail(folder, bucket, port, athena):
    """The same questions through `orgtrail query --engine athena`: its rows are those of the local engine."""
    settings = {"PATH": os.environ["PATH"], "HOME": str(folder), "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
                "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}
    command = [os.environ["ORGTRAIL"], "query", "--engine", "athena", "--workgroup", "audit", "--database", "audit",
               "--lake", f"s3://{bucket}/lake", "--format", "json"]
    told = set()

    def run(*more):
        done = subprocess.run([*command, *more], env=settings, cwd=folder, capture_output=True, text=True)
        if done.returncode not in (0, 3):
            raise RuntimeError(done.stderr)
        return json.loads(done.stdout)

    def ask(sql):
        answer = run(sql)
        told.add(str(answer["coverage"]["athena"]["not_known"]))
        return answer["rows"]

    equal = compare("orgtrail query --engine athena, over ministack", folder, ask)
    if told != {"None"}:
        print(f"orgtrail query --engine athena: what an answer covers is not known: {told}")
        return False
    return prepared(run, athena) and equal


# Functions of Trino that the emulator's DuckDB lacks.
LACKING = re.compile(r"Scalar Function with name (regexp_like|json_extract_scalar) does not exist")


def prepared(run, athena):
    """Prepared questions that orgtrail sends to Athena are run, or at least parsed as Athena's SQL."""
    import sqlglot
    listed = subprocess.run([os.environ["ORGTRAIL"], "query", "--list", "--format", "json"], capture_output=True, text=True)
    rows = json.loads(listed.stdout)["rows"]
    ran, lacking, refused, bad = 0, 0, 0, 0
    values = {"days": "7", "at_least": "1", "since": "2026-11-20", "quiet_days": "7", "account": "111111111111"}
    for name, _title, _answers, parameters, _cannot_see in rows:
        given = [part for one in parameters.split() for part in ("--param", f"{one}={values.get(one, 'alice')}")]
        try:
            run("--name", name, *given)
            ran += 1
        except RuntimeError as error:
            if "does not answer the prepared question" in str(error):
                refused += 1
            elif LACKING.search(str(error)):
                lacking += 1
            else:
                bad += 1
                print(f"orgtrail query --engine athena --name {name}: FAILED: {str(error)[:600]}")
    ids = athena.list_query_executions(WorkGroup="audit")["QueryExecutionIds"]
    for one in ids:
        sql = athena.get_query_execution(QueryExecutionId=one)["QueryExecution"]["Query"]
        try:
            sqlglot.parse_one(sql, read="athena")
        except sqlglot.errors.SqlglotError as error:
            bad += 1
            print(f"orgtrail query --engine athena: NOT PARSED: {str(error)[:400]}")
    print(f"orgtrail query --engine athena --name: {ran} prepared questions RUN, {lacking} PARSED (the emulator lacks their functions), "
          f"{refused} refused by orgtrail, {bad} failed", flush=True)
    return bad == 0


def parse_part(folder, _bucket, without=()):
    """Parses every statement, those that cannot be run here too."""
    import logging
    import sqlglot
    logging.getLogger("sqlglot").setLevel(logging.ERROR)
    good = True
    for file in sorted((folder / "statements").iterdir()):
        engine = file.name.split(".")[0]
        if engine in without:
            continue
        if file.suffix == ".refused":
            print(f"{file.stem}: REFUSED: {file.read_text().strip()}")
            continue
        parsed = as_command = 0
        for statement in statements(folder, file.name):
            try:
                tree = sqlglot.parse_one(statement, read=engine)
                as_command += isinstance(tree, sqlglot.exp.Command)
                parsed += 1
            except sqlglot.errors.SqlglotError as error:
                good = False
                print(f"{file.name}: NOT PARSED: {str(error)[:400]}")
        opaque = f", {as_command} of them not looked into" if as_command else ""
        print(f"{file.stem}: PARSED, {parsed} statements{opaque}")
    return good


PARTS = {"duckdb": duckdb_part, "spark": spark_part, "athena": athena_part}

if __name__ == "__main__":
    part, work, bucket = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]
    fine = parse_part(work, bucket, sys.argv[4:]) if part == "parse" else PARTS[part](work, bucket)
    sys.exit(0 if fine else 1)
