"""The licence of every package that colorgan, with all its extras, brings along here: `licences.py [--check] [FILE]`. They are what the packages say of themselves.
--check writes nothing: it says where the file is not about constraints.txt or settings.ini, or, for what is installed here in that version, about what the package says."""
import argparse, configparser, re, sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from packaging.requirements import Requirement
from common import ROOT
from pins import versions

def licence(d):
    m = d.metadata; cs = [c.split(' :: ')[-1].removesuffix(' License') for c in m.get_all('Classifier') or () if c.startswith('License :: ') and c != 'License :: OSI Approved']; text = (m.get('License') or '').strip().split('\n')[0]
    return m.get('License-Expression') or (text if 0 < len(text) < 60 and text.upper() != 'UNKNOWN' else '') or ', '.join(cs) or text[:60] or 'it does not say'

def walk(reqs):
    "Every installed distribution that `reqs` lead to, and the names that are not installed."
    seen, missing, todo = {}, set(), [Requirement(r) for r in reqs]
    while todo:
        r = todo.pop(); key = re.sub(r'[-_.]+', '-', r.name).lower()
        if (key, frozenset(r.extras)) in seen: continue
        try: d = distribution(r.name)
        except PackageNotFoundError: missing.add(key); continue
        seen[key, frozenset(r.extras)] = d; todo += [q for q in map(Requirement, d.requires or ()) if q.marker is None or any(q.marker.evaluate({'extra': e}) for e in (r.extras or {''}))]
    return {k[0]: d for k, d in sorted(seen.items(), key=lambda o: o[0][0])}, missing

def name(r): return re.sub(r'[-_.]+', '-', Requirement(r).name).lower()

def check(file, have, direct):
    "(where the file is stale, how many rows were compared with an installed package)."
    text = file.read_text('utf-8'); rows = {m[1]: m for m in re.finditer(r'^\| \**([^|*]+?)\** \| ([^|]+?) \| ([^|]*?) \|$', text, re.M) if m[1] not in ('package', '---')}; want = versions(ROOT/'constraints.txt')
    bad = [f'{n} {v} of constraints.txt is not in it' for n, v in want.items() if n not in rows] + [f'{n} is not in constraints.txt' for n in rows if n not in want] + [f'{n} is required by settings.ini, and not in it' for n in sorted(direct - {*rows})]
    bad += [f'{n} is {m[2]} in it and {want[n]} in constraints.txt' for n, m in rows.items() if n in want and m[2] != want[n]] + [f"its heading does not speak of {len(rows)} packages"]*(f'\n{len(rows)} packages: ' not in text)
    bad += [f"{n} is{' not'*(n in direct)} marked as a requirement" for n, m in rows.items() if (n in direct) != ('**' in m[0])]; here = [(n, d, rows[n]) for n, d in have.items() if n in rows and d.version == rows[n][2]]
    return bad + [f'{n}: it has {m[3]!r}, the package says {licence(d)!r}' for n, d, m in here if m[3] != licence(d).replace('|', '/')], len(here)

def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter); ap.add_argument('file', nargs='?', type=Path, default=ROOT/'LICENCES.md'); ap.add_argument('--check', action='store_true'); o = ap.parse_args(); out = o.file
    ini = configparser.ConfigParser(delimiters=['=']); ini.read(ROOT/'settings.ini', encoding='utf-8'); reqs = [r for k, v in ini['DEFAULT'].items() if k.endswith('requirements') for r in v.split()]
    have, missing = walk(reqs); direct = {name(r) for r in reqs}
    if o.check: bad, n = check(out, have, direct); print('\n'.join(f'{out.name}: {b}; run make licences' for b in bad) or f'{out.name}: the packages of constraints.txt, {n} of them compared with what is installed here'); sys.exit(bool(bad))
    rows = ''.join(f"| {'**' + n + '**' if n in direct else n} | {d.version} | {licence(d).replace('|', '/')} |\n" for n, d in have.items())
    out.write_text(f'# Licences of what colorgan stands on\n\n{len(have)} packages: its requirements and those of all its extras (bold), and what they require. Each licence is what the package says of itself. Made by `make licences`.\n\n| package | version | licence |\n| --- | --- | --- |\n{rows}', encoding='utf-8')
    silent = [n for n, d in have.items() if licence(d) == 'it does not say']; print(f"{out.name}: {len(have)} packages" + (f"; not installed here: {', '.join(sorted(missing))}" if missing else '') + (f"; without a licence: {', '.join(silent)}" if silent else ''))

if __name__ == '__main__': main()
