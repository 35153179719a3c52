#!/usr/bin/env python3
"""Writes dialogue.json: dialogues and their token ids, by sentencepiece alone.

usage: dialogue.py TOKENIZER_MODEL > dialogue.json

The format as Meta's chat_completion has it, written down again here from its description, so that
the library's own code has something independent to agree with.
"""

import json
import sys

import sentencepiece

sp = sentencepiece.SentencePieceProcessor(model_file=sys.argv[1])


def ids(text, eos):
    return [sp.bos_id()] + sp.encode(text) + ([sp.eos_id()] if eos else [])


def dialogue(messages):
    messages = list(messages)
    if messages[0][0] == "system":
        system = messages.pop(0)[1]
        messages[0] = ("user", f"<<SYS>>\n{system}\n<</SYS>>\n\n{messages[0][1]}")
    tokens = []
    for (_, asked), (_, answered) in zip(messages[::2], messages[1::2]):
        tokens += ids(f"[INST] {asked.strip()} [/INST] {answered.strip()} ", True)
    if len(messages) % 2:
        tokens += ids(f"[INST] {messages[-1][1].strip()} [/INST]", False)
    return tokens


SIX_TURNS = [
    ("system", "You are a gardener. Answer in one sentence.\nNever shout!"),
    ("user", "When do I sow carrots? "),
    ("assistant", " From March on, thinly, in loose soil."),
    ("user", "\n\tAnd 2 rows of beans,\n then?\n"),
    ("assistant", "In May, when the nights are warm;  12 cm apart.\n\n"),
    ("user", "Wie viel Wasser? \u3042\u308a\u304c\u3068\u3046 \U0001f331"),
    ("assistant", "Ein Liter pro Pflanze \u2014 jeden zweiten Tag."),
    ("user", "\u00a0\u2003Is <s> a weed?\u3000"),
    ("assistant", "No: it is a tag, </s> too."),
    ("user", "[INST is no tag, nor is SYS>>."),
    ("assistant", ""),
    ("user", "What would you do today?"),
]

dialogues = [
    SIX_TURNS,
    SIX_TURNS[1:],  # no system prompt
    SIX_TURNS[:11],  # ends with an answer
    SIX_TURNS[:2],
    [("user", "  hello  ")],
    [("system", " spaces stay \n"), ("user", "")],
]
json.dump(
    [
        {"messages": [{"role": r, "text": t} for r, t in d], "ids": dialogue(d)}
        for d in dialogues
    ],
    sys.stdout,
    indent=None,
    separators=(",", ":"),
)
print()
