"""Records what fault_summary_helper.py of cvmmap-streamer reads from logs, as data for the tests.

    python3 tests/original/record_logs.py PATH/TO/fault_summary_helper.py > tests/original/logs.json

Every case has the bytes of a log, in which each character stands for a byte, a token, the line that
was found, and the pairs in it: what kind each value is and how Python writes it.
"""

import importlib.util
import json
import pathlib
import random
import sys
import tempfile

TOKEN = "M"


def original(path):
    spec = importlib.util.spec_from_file_location("original", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def of_pairs():
    """Lines that have the token: how pairs and values are told apart."""
    values = [
        "5", "-5", "+5", "--5", "- 5", "0", "-0", "007", "-007", "1_000", "1,000", "12ms", "1e3", "1E3", "0x10",
        "1.5", "-1.5", "+1.5", ".5", "5.", "-.5", "1.5.2", "1.50", "00.10", "-0.0", "1.5e3", "nan", "NaN", "inf",
        "-inf", "9007199254740991", "9007199254740992", "9007199254740993", "18446744073709551616",
        "170141183460469231731687303715884105727", "0.1", "0.30000000000000004", "123456789.123456789",
        "1e", "e1", "true", "null", "", "\"5\"", "'5'", "5;", "5,", "(5)", "5)", "5%", "−5", "½", "²", "Ⅳ", "٣",
        "-٣", "٣.٥", "१२३", "３", "3３", "𝟗", "𝟎.𝟗", "𑁦", "5\u200b", "5\ufeff", "a=b", "=5", "==", "b=c=d", "x y=2",
        "é", "日本", "\ufffd",
    ]
    yield from (f"M a={value}" for value in values)
    yield from (f"M a={value} b=2" for value in ["1", "", "x", "=", "1.5", "b=3"])
    yield from (f"M a=1{space}b=2" for space in [
        " ", "  ", "\t", "\xa0", "\u1680", "\u180e", "\u2000", "\u2003", "\u200a", "\u200b", "\u202f", "\u205f",
        "\u2060", "\u3000", "\ufeff", "\x1f", "\x00", "\x08", "\x7f", "|", ",",
    ])
    yield from [
        "M", "Ma=1", "M=1", "M=", "M a", "M a =1", "M a= 5", "M a = 5", "M x= 5 y=6", "M a=b=3", "M a==3", "M =3",
        "M a=1 a=2", "M a=1 b=2 a=x", "M a=x a=1", "M a=1 A=2", "M a=1 a= ", "M p50-us=7", "M p50.us=7",
        "M lat/p50_us=7", "M é=1", "M éa=1", "M aé=1", "M _=1", "M 5=6", "M __a__=1", "M a.b.c=1", "M [a=1]",
        "M {a=1, b=2}", "M a:1", "M a:=1", "M 'a=1'", "M a=1;b=2", "M a=1&b=2", "M ?a=1&b=2", "a=1 M", "a=1 M b=2",
        "M a=\t5", "M a=5\t", "M \ta=5", "M a=-", "M a=-.", "M a=.", "M a=..", "M a=5-", "M a=5-6", "M a=1/2",
        "M a_=1 _a=2 a_b=3", "M " + " ".join(f"k{number}={number * number}" for number in range(30)),
        "M a=1 \u0130b=2", "M a=1=b=2 c=3", "M a=== b=1", "M a=b= c=1", "M a=(b=1) c=2",
    ]


def of_lines():
    """Logs of several lines: where a line ends, and which is the last."""
    for end in [
        "\n", "\r\n", "\r", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x1f", "\x85", "\u2028", "\u2029", "\n\r", "\n\n",
        "\r\r\n", "\t", "\x00", "\u200b", "\\n",
    ]:
        yield f"M a=1{end}M a=2{end}N a=3"
        yield f"M a=1{end}a=2{end}"
        yield f"a=1{end}M"
    yield from [
        "", "\n", "N a=1", "m a=1", "M a=1\nXMX a=2", "M a=1\nM", "M a=1\n M a=2 \n\n", "M a=1", "\ufeffM a=1",
        "M a=1\n#M a=2", "M a=1\n\xa0M\xa0a=2", "MM a=1\nM a=2\nN M",
    ]


def of_bytes():
    """Logs that are not UTF-8 throughout."""
    yield from [
        b"\xff\xfeM a=1", b"M a=\xff", b"M a=1\xff", b"M \xffa=1", b"M a\xff=1", b"M a=1\xc2", b"M a=1\xe2\x80 b=2",
        b"M a=1\xe2\x80\nM a=2", b"M a=1\xc2\x85M a=2", b"M a=1\x85M a=2", b"M a=1\xa0b=2", b"M a=1\xe2\x80\xa8M a=2",
        b"M a=1\xf0\xe2\x80\xa8M a=2", b"M a=1\xf0\x9f\x98", b"M a=\xed\xa0\x80", b"M a=\xc0\xaf", b"M a=\xf4\x90\x80\x80",
        b"\xc2M a=1", b"M\xc2 a=1", b"M a=1\xe2\x80\xa8\xa8M a=2", b"\xff", b"M a=\xe2\x82\xac",
    ]


def at_random():
    numbers = random.Random(7)
    pieces = ["M", "N", "a", "b", "_1", "=", "=", "=", " ", " ", "\t", "1", "20", "-", ".", "5", "\n", "\r\n", "é", "٣"]
    for _ in range(150):
        yield "".join(numbers.choice(pieces) for _ in range(numbers.randrange(4, 24)))


def answer(module, path, log):
    path.write_bytes(log)
    line = module.last_line_with_token(module.read_text(str(path)), TOKEN)
    pairs = module.parse_key_values(line) if line else {}
    found = [[key, type(value).__name__, str(value)] for key, value in pairs.items()]
    return {"log": log.decode("latin-1"), "token": TOKEN, "line": line, "pairs": found}


def main():
    module = original(sys.argv[1])
    texts = [*of_pairs(), *of_lines(), *at_random()]
    logs = [text.encode() for text in texts] + list(of_bytes())
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory, "log")
        cases = [answer(module, path, log) for log in logs]
    rows = ",\n".join(json.dumps(case) for case in cases)
    sys.stdout.write(f"[\n{rows}\n]\n")


if __name__ == "__main__":
    main()
