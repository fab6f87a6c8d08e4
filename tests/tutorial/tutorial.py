#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Run what the tutorial tells to type, and compare what comes with what it shows.

	tutorial.py script ADOC PROMPT		a script of the commands at a prompt
	tutorial.py compare ADOC LOG		compare, as TAP
	tutorial.py fill ADOC LOG		the tutorial with what came

In literal blocks ("....") a line that begins with a prompt is a command, goes on
after a backslash, and is followed by what it prints.  There all numbers but zero
are equal, with their units, and a line "..." is any number of lines.  A command must
fail if what it prints begins as messages of errors do.
"""
import re
import sys

PROMPTS = ('host$ ', 'guest# ')
FAILED = re.compile(r'(rctl|mkdir|rmdir|sh|echo): ')
NUMBER = re.compile(r'(?<![\w.])\d[\d.]*( ?[umkMGT]?[JW]\b| m?s\b)?')


class Command:
    def __init__(self, prompt, text):
        self.prompt = prompt
        self.text = text
        self.expected = []


def blocks(lines):
    """Yield (index, line) of what is within literal blocks."""
    inside = False
    for i, line in enumerate(lines):
        if line == '....':
            inside = not inside
        elif inside:
            yield i, line


def parse(path):
    commands = []
    going_on = False
    last = -2
    with open(path) as f:
        lines = f.read().splitlines()
    for i, line in blocks(lines):
        prompt = next((p for p in PROMPTS if line.startswith(p)), None)
        if going_on:
            commands[-1].text += '\n' + line
        elif prompt:
            commands.append(Command(prompt, line[len(prompt):]))
        elif i - last > 1:
            sys.exit(f'{path}:{i + 1}: a block begins without a prompt')
        else:
            commands[-1].expected.append(line)
        going_on = (prompt or going_on) and line.endswith('\\')
        last = i
    return lines, commands


def quote(text):
    return "'" + text.replace("'", "'\\''") + "'"


def script(commands, prompt):
    """Each command between marks, in one shell."""
    for n, c in enumerate(commands):
        if c.prompt == prompt:
            print(f"echo '@@ {n} begin'\neval {quote(c.text)}\necho \"@@ {n} end $?\"")


def results(path, commands):
    """What each command printed, and its status; the guest's are within the host's."""
    printed = [[] for _ in commands]
    status = [None for _ in commands]
    running = []
    with open(path, errors='replace') as f:
        for line in f.read().replace('\r', '').splitlines():
            mark = re.fullmatch(r'(.*?)@@ (\d+) (begin|end (\d+))', line)
            if not mark:
                if running:
                    printed[running[-1]].append(line)
                continue
            n = int(mark[2])
            if mark[1] and running:
                printed[running[-1]].append(mark[1])
            if mark[3] == 'begin':
                running.append(n)
            else:
                status[n] = int(mark[4])
                running = [r for r in running if r != n]
    return printed, status


def same_words(text):
    def number(match):
        return '#' if match[0].strip('0. umkMGTJWs') else '0'
    return ' '.join(NUMBER.sub(number, text).split())


def matches(expected, printed):
    """Lines against lines; '...' is any number of them."""
    if not expected:
        return not printed
    if expected[0] == '...':
        return any(matches(expected[1:], printed[i:]) for i in range(len(printed) + 1))
    return bool(printed) and same_words(expected[0]) == same_words(printed[0]) and \
        matches(expected[1:], printed[1:])


def compare(commands, log):
    printed, status = results(log, commands)
    failed = 0
    for n, c in enumerate(commands):
        fails = any(FAILED.match(line) for line in c.expected)
        if c.text == 'exit':
            why = [] if status[n] is None else ['it did not end the shell']
        elif status[n] is None:
            why = ['it did not come to an end']
        elif bool(status[n]) != fails:
            why = [f'exit status {status[n]}']
        elif not matches(c.expected, printed[n]):
            why = ['expected:'] + c.expected
        else:
            why = []
        print(f"{'not ok' if why else 'ok'} - {c.prompt}{c.text.splitlines()[0]}")
        if why:
            failed += 1
            for line in why + ['printed:'] + printed[n]:
                print(f'# {line}')
    print(f'1..{len(commands)}')
    return failed


def fill(lines, commands, log):
    """Numbers change each time: only what differs otherwise is replaced."""
    printed, _ = results(log, commands)
    inside = False
    n = -1
    going_on = False
    for line in lines:
        if line == '....':
            inside = not inside
        command = inside and (going_on or line.startswith(PROMPTS))
        if inside and not command and line != '....':
            continue
        print(line)
        if not command:
            continue
        if not going_on:
            n += 1
        going_on = line.endswith('\\')
        if going_on:
            continue
        c = commands[n]
        show = c.expected if matches(c.expected, printed[n]) else printed[n]
        for text in show:
            print(text)


def main():
    what, adoc = sys.argv[1:3]
    lines, commands = parse(adoc)
    if what == 'script':
        script(commands, sys.argv[3])
    elif what == 'compare':
        sys.exit(bool(compare(commands, sys.argv[3])))
    elif what == 'fill':
        fill(lines, commands, sys.argv[3])
    else:
        sys.exit(__doc__)


main()
