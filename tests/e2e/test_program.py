"""The program from the outside: commands, exit codes, the control port, what is logged."""

import json
import re
import socket
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

from conftest import EXAMPLE, free_port, run

SCAM = "您好，我是市公安局民警，您涉嫌一宗洗钱案件，请立即将资金转到安全账户配合调查，切勿告诉家人。"
CALL = ("screen", "call", "--from", "+8675586660110", "--to", "+8613800138000",
        "--trunk-class", "international")
MESSAGE = ("screen", "message", "--from", "+8613800138000", "--to", "+8613800138001",
           "--text", SCAM)


def get(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.status, answer.read().decode()


def asked(server, *args):
    """The object that a client command prints."""
    done = run(*args, "--json", "--deadline", "10s", "--server", server.url)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1, "one object per line"
    return json.loads(done.stdout)


def test_screen_prints_one_object(server):
    for command in (CALL, MESSAGE):
        answer = asked(server, *command)
        for key in ("action", "would_action", "risk", "category", "ground", "label", "reasons",
                    "flags", "revision", "digest", "engine_version", "verdict_id", "mode"):
            assert key in answer, key
        assert answer["action"] in ("LABEL", "HOLD", "BLOCK")
        assert 0 < answer["risk"] <= 1000
        assert re.fullmatch("[0-9a-f]{64}", answer["digest"]) and answer["revision"] >= 1
        assert answer["reasons"] and all(
            set(reason) == {"code", "points", "category", "list", "entry", "span", "evidence",
                            "shadow"}
            for reason in answer["reasons"]
        )


def test_screen_finds_offsets_in_the_text(server):
    octets = SCAM.encode()
    spans = [r["span"] for r in asked(server, *MESSAGE)["reasons"] if r["span"]]
    assert spans
    for span in spans:
        assert octets[span["start"]:span["end"]].decode()


def test_screen_marks_hits_for_people(server):
    done = run(*MESSAGE, "--server", server.url)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(("LABEL", "HOLD"))
    assert "\x1b" not in done.stdout, "no colour outside a terminal"
    marked = re.findall("«(.+?)»", done.stdout)
    assert marked and all(part in SCAM for part in marked)
    assert done.stdout.replace("«", "").replace("»", "").count(SCAM) == 1
    assert "revision" in done.stdout


def test_screen_takes_octets_from_a_file(server, tmp_path):
    path = tmp_path / "text"
    path.write_bytes(b"pay \xff now")
    command = ("screen", "message", "--to", "+442079460018", "--text-file", str(path))
    assert "TEXT_ILL_FORMED" in asked(server, *command)["flags"]


def test_screen_says_what_a_server_refuses(server):
    done = run("screen", "call", "--from", "1", "--to", "", "--server", server.url)
    assert done.returncode == 1 and done.stdout == ""
    assert "INVALID_ARGUMENT" in done.stderr and "recipient.raw" in done.stderr


def test_screen_says_when_there_is_no_server():
    port = free_port()
    done = run(*CALL, "--server", f"http://127.0.0.1:{port}")
    assert done.returncode == 1
    assert str(port) in done.stderr and "ringfence serve" in done.stderr


def test_bench_measures_and_checks(server):
    done = run("bench", "--rate", "200/s", "--duration", "2s", "--warmup", "500ms", "--json",
               "--deadline", "10s", "--server", server.url)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["verdicts"] == 400 and not result["errors"] and result["bad_answers"] == 0
    assert sum(result["actions"].values()) == 400
    latency = result["latency_us"]
    assert 0 < latency["p50"] <= latency["p90"] <= latency["p99"] <= latency["p99.9"]
    assert latency["p99.9"] <= latency["max"]


def test_bench_leaves_other_machines_alone():
    done = run("bench", "--server", "http://192.0.2.1:50051")
    assert done.returncode == 1 and "--allow-remote" in done.stderr


@pytest.mark.parametrize("args", [
    ("serve", "--no-such-flag"), ("screen", "call", "--from", "1"), ("no-such-command",),
    ("bench", "--rate", "0"),
    ("screen", "call", "--to", "1", "--trunk-class", "moon"),
])
def test_usage_errors_have_a_code_of_their_own(args):
    done = run(*args)
    assert done.returncode == 2 and done.stdout == "" and done.stderr


@pytest.mark.parametrize("which", ["--listen", "--control-listen"])
def test_a_port_in_use_is_named(tmp_path, which):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ports = {"--listen": free_port(), "--control-listen": free_port(), which: port}
        flags = [word for flag, p in ports.items() for word in (flag, f"127.0.0.1:{p}")]
        done = run("serve", *flags, "--data-dir", str(tmp_path / "data"))
    assert done.returncode == 1, done.stderr
    assert str(port) in done.stderr and "in use" in done.stderr


def test_a_data_directory_that_cannot_be_written_is_named(tmp_path):
    # Below a file: this is refused to every user, root included.
    blocked = tmp_path / "file"
    blocked.write_text("")
    done = run("serve", "--listen", f"127.0.0.1:{free_port()}", "--control-listen",
               f"127.0.0.1:{free_port()}", "--data-dir", str(blocked / "data"))
    assert done.returncode == 1, done.stderr
    assert str(blocked / "data") in done.stderr


def test_the_control_port_answers(server):
    for path in ("/livez", "/readyz"):
        assert get(server.control_url + path)[0] == 200
    with pytest.raises(urllib.error.HTTPError) as caught:
        get(server.control_url + "/no-such-page")
    assert caught.value.code == 404


def test_metrics_count_and_name_nobody(server):
    asked(server, *CALL)
    asked(server, *MESSAGE)
    _, text = get(server.control_url + "/metrics")
    samples = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert samples and all(line.startswith("ringfence_") for line in samples)
    assert any("_bucket{" in line and 'le="' in line for line in samples), "histograms"
    assert any("build_info" in line for line in samples)
    assert any("revision" in line for line in samples)
    for personal in ("13800138000", "86660110", "安全账户"):
        assert personal not in text


def test_the_example_runs(server):
    done = subprocess.run(
        [sys.executable, str(EXAMPLE / "ringfence_client.py"), "--server", server.target,
         "--deadline", "10"],
        capture_output=True, text=True, timeout=60, check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("revision") == 2 and "at octets" in done.stdout


def test_the_ready_line_says_where_and_what(server):
    ready = next(line for line in server.lines if "ready" in line)
    assert str(server.port) in ready and str(server.control_port) in ready
    assert "revision" in ready and "digest" in ready


def test_logs_hold_no_numbers_and_no_texts(server):
    asked(server, *CALL)
    asked(server, *MESSAGE)
    run("screen", "call", "--from", "1" * 1025, "--to", "+8613800138000", "--server", server.url)
    for personal in ("13800138000", "86660110", "安全账户", "1" * 40):
        assert personal not in server.output()
