"The licence of every package that colorgan, with all its extras, brings along here: `licences.py [FILE]`. They are what the packages say of themselves."
import argparse, configparser, re
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from packaging.requirements import Requirement
from common import ROOT

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

def main():
    ap = argparse.ArgumentParser(description=__doc__); ap.add_argument('file', nargs='?', type=Path, default=ROOT/'LICENCES.md'); out = ap.parse_args().file
    ini = configparser.ConfigParser(delimiters=['=']); ini.read(ROOT/'settings.ini', encoding='utf-8'); reqs = [r for k, v in ini['DEFAULT'].items() if k.endswith('requirements') for r in v.split()]
    have, missing = walk(reqs); direct = {re.sub(r'[-_.]+', '-', Requirement(r).name).lower() for r in reqs}
    rows = ''.join(f"| {'**' + n + '**' if n in direct else n} | {d.version} | {licence(d).replace('|', '/')} |\n" for n, d in have.items())
    out.write_text(f'# Licences of what colorgan stands on\n\n{len(have)} packages: its requirements and those of all its extras (bold), and what they require. Each licence is what the package says of itself. Made by `make licences`.\n\n| package | version | licence |\n| --- | --- | --- |\n{rows}', encoding='utf-8')
    silent = [n for n, d in have.items() if licence(d) == 'it does not say']; print(f"{out.name}: {len(have)} packages" + (f"; not installed here: {', '.join(sorted(missing))}" if missing else '') + (f"; without a licence: {', '.join(silent)}" if silent else ''))

if __name__ == '__main__': main()
