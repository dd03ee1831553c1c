"""Packs data directories as the program at hand leaves them, for tests that open them with later programs (README.md):

    SIGHTLINE_BIN_DIR=build/bin python e2e/testdata/make_data_directory.py e2e/testdata/data-of-schema-N

writes data-of-schema-N-stored.tar.gz and data-of-schema-N-missing.tar.gz, and beside each a .json with what must be found
again. In both: recorded requests of SDKs, all three signals, stored and done; then one more request of spans, during whose
insert the program was killed. Its manifest stands in the journal without a done mark, and its rows are in ClickHouse
(-stored) or not (-missing).
"""

import json
import sys
import tarfile
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import otlp
from conftest import KEEP_ALL
from counted import what_was_sent
from sightline import Server, wait_until
from test_samples import COLUMNS, REPOSITORY_SAMPLES, Sample

# Of each kind of client, all three signals, few enough to keep the archives small.
SENDERS = ("go-gzip", "java-grpc", "python-manual-json", "rust-http-pb", "telemetrygen")
# Its own metrics would make no two directories the same.
CONFIG = KEEP_ALL | {"self_metrics": {"interval": "0s"}}
# The first insert of the last request is that of its resource, the second that of its spans.
LAST_STEPS = {"stored": "store.insert.end=kill:2", "missing": "store.insert.begin=kill:2"}
UNFINISHED_SPANS = 7
# Rows, and a sum over their contents.
QUESTIONS = [
    f"SELECT count(), sum(sipHash64(toString(tuple({', '.join(columns.values())})))) FROM {view} WHERE ServiceName != 'unfinished'"
    for view, columns in COLUMNS.items()
]


def pack(archive: Path, last_step: str) -> None:
    entries = json.loads((REPOSITORY_SAMPLES / "manifest.json").read_text())["files"]
    samples = [Sample(REPOSITORY_SAMPLES / entry["file"], entry) for entry in entries if entry["file"].startswith(SENDERS)]
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder), Path(folder) / "data", config=CONFIG).start()
        for sample in samples:
            sample.send(server)
        assert server.stop() == 0
        server.start()
        answers = {question: server.sql(what_was_sent(question))[0] for question in QUESTIONS}
        assert server.stop() == 0

        server.fault = last_step
        process = server.start().process
        server.export_http("traces", otlp.traces("unfinished", [otlp.span() for _ in range(UNFINISHED_SPANS)]))
        assert wait_until(lambda: process.poll() is not None, what="the program is killed") and process.returncode == -9
        with tarfile.open(archive, "w:gz") as tar:
            tar.add(server.data_dir, arcname="data", filter=nobodys)
    facts = {"answers": answers, "unfinished_spans": UNFINISHED_SPANS}
    archive.with_suffix("").with_suffix(".json").write_text(json.dumps(facts, indent=2) + "\n")
    print(f"{archive}: {archive.stat().st_size} bytes", *answers.values(), sep="\n  ")


def nobodys(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    return info


if __name__ == "__main__":
    for name, step in LAST_STEPS.items():
        pack(Path(f"{sys.argv[1]}-{name}.tar.gz"), step)
