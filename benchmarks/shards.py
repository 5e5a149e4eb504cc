"""Tokenises files with Hugging Face's `tokenizers` into one file of uint16, on several processes. See shards.ts.

    python shards.py TOKENIZER.json LIST_OF_FILES OUT PROCESSES

Prints one JSON object: seconds by the clock, seconds of CPU time of all processes, bytes, tokens.
"""

import array
import json
import os
import resource
import sys
import time
from multiprocessing import Pool

os.environ["TOKENIZERS_PARALLELISM"] = "false"  # processes instead
from tokenizers import Tokenizer  # noqa: E402

tokenizer: Tokenizer


def start(path: str) -> None:
    global tokenizer
    tokenizer = Tokenizer.from_file(path)
    tokenizer.encode_special_tokens = True  # a text that spells one is text, as in ours


def encode(paths: list[str]) -> tuple[bytes, int]:
    texts = []
    for path in paths:
        try:
            with open(path, encoding="utf-8-sig", newline="") as file:
                texts.append(file.read())
        except UnicodeDecodeError:
            continue
    end = tokenizer.token_to_id("<|endoftext|>")
    ids = array.array("H")
    for encoding in tokenizer.encode_batch(texts, add_special_tokens=False):
        ids.extend(encoding.ids)
        ids.append(end)
    return ids.tobytes(), sum(len(text.encode()) for text in texts)


def pieces(paths: list[str]):
    """Files in groups of about a megabyte, as ours."""
    group, size = [], 0
    for path in paths:
        group.append(path)
        size += os.path.getsize(path)
        if size >= 2**20:
            yield group
            group, size = [], 0
    if group:
        yield group


if __name__ == "__main__":
    tokenizer_file, list_file, out, processes = sys.argv[1:]
    with open(list_file, encoding="utf-8") as file:
        paths = file.read().splitlines()
    began = time.perf_counter()
    total = tokens = 0
    with Pool(int(processes), start, [tokenizer_file]) as pool, open(out, "wb") as file:
        for ids, size in pool.imap(encode, pieces(paths)):
            file.write(ids)
            total += size
            tokens += len(ids) // 2
        pool.close()
        pool.join()
    seconds = time.perf_counter() - began
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu = sum(u.ru_utime + u.ru_stime for u in usage)
    print(json.dumps({"seconds": seconds, "cpu": cpu, "bytes": total, "tokens": tokens}))
