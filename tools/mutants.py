"""Break the library, one line at a time, and see whether its notebook notices: `mutants.py [NAME…]` (names of breaks or notebooks; the others' rows stay).
tools/mutants.json lists the breaks: name, notebook, old, new. `old` occurs once in the notebook's exported cells. The table goes to results/mutants.md."""
import json, shutil, subprocess, sys, tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
import nbformat
from common import ROOT, copy_checkout, options, quiet_env

def exported(c): return c.cell_type == 'code' and any(l.replace(' ', '').startswith('#|export') for l in c.source.split('\n'))

def try_one(m, base):
    root = Path(tempfile.mkdtemp(prefix='colorgan-mutant-')); shutil.copytree(base, root, dirs_exist_ok=True)
    try:
        p = root/'nbs'/f"{m['notebook']}.ipynb"; nb = nbformat.read(p, 4); hits = [c for c in nb.cells if exported(c) and m['old'] in c.source]
        if m['old'] and (len(hits) != 1 or hits[0].source.count(m['old']) != 1): return m | dict(caught=None, by=f'the fragment occurs in {len(hits)} exported cells')
        if m['old']: hits[0].source = hits[0].source.replace(m['old'], m['new']); nbformat.write(nb, p)
        subprocess.run(['nbdev_export', '--path', str(p)], cwd=root, env=quiet_env(root), capture_output=True, check=True)
        try: r = subprocess.run([sys.executable, str(root/'tools'/'nbtest.py'), str(root), str(p)], cwd=root, env=quiet_env(root), capture_output=True, text=True, timeout=300)
        except subprocess.TimeoutExpired: return m | dict(caught=True, by='it never ended')
        try: o = json.loads(r.stdout.strip().split('\n')[-1])
        except ValueError: return m | dict(caught=True, by='the notebook could not start')
        if o['ok']: return m | dict(caught=False, by='–')
        code = [l for l in o['code'].split('\n') if l.strip() and not l.startswith('#')]; err = o['error'].strip().split('\n')[-1][:80]
        return m | dict(caught=True, by=f"cell {o['cell']}: {code[0][:70] if code else ''}", error=err)
    finally: shutil.rmtree(root, ignore_errors=True)

def main():
    ms = json.loads((ROOT/'tools'/'mutants.json').read_text('utf-8')); names = options(__doc__, names='NAME').names; only = [m for m in ms if not names or m['name'] in names or m['notebook'] in names]
    base = copy_checkout(Path(tempfile.mkdtemp(prefix='colorgan-mutants-'))); out = []
    with ThreadPoolExecutor(2) as ex:
        unbroken = dict(zip(nbs := sorted({m['notebook'] for m in only}), ex.map(lambda n: try_one(dict(notebook=n, old='', new=''), base), nbs)))
        if bad := [n for n, o in unbroken.items() if o['caught'] is not False]: shutil.rmtree(base, ignore_errors=True); sys.exit(f"unbroken they fail too, so that nothing can be said: {', '.join(bad)}")
        for m in ex.map(lambda m: try_one(m, base), only): out.append(m); print(f"{'✓' if m['caught'] else '✗'} {m['notebook']}: {m['name']} ({m['by']})", flush=True)
    shutil.rmtree(base, ignore_errors=True); d, key, esc = ROOT/'results', lambda m: (m['notebook'], m['name']), lambda t: t.replace('|', '\\|')
    if names and (d/'mutants.json').exists():      # only some were tried: the others stay as they were found
        new = {key(m): m for m in out}; old = json.loads((d/'mutants.json').read_text('utf-8')); out = [new.get(key(m), m) for m in old] + [m for m in out if key(m) not in map(key, old)]
    known = set(map(key, ms)); out = [m for m in out if key(m) in known]; bad = [m for m in out if not m['caught']]
    d.mkdir(exist_ok=True); (d/'mutants.json').write_text(json.dumps(out, indent=1, ensure_ascii=False) + '\n', encoding='utf-8')
    (d/'mutants.md').write_text(f'# Breaks, and what noticed them\n\n{len(out) - len(bad)} of {len(out)} caught by the notebook\'s own cells. Made by `make mutants`.\n\n| notebook | break | caught by |\n| --- | --- | --- |\n' + ''.join(f"| {m['notebook']} | {esc(m['name'])} | {'`' + esc(m['by']).replace('`', '') + '`' if m['caught'] else '**not caught**'} |\n" for m in out), encoding='utf-8')
    print(f'{len(out) - len(bad)} of {len(out)} caught'); sys.exit(bool(bad))

if __name__ == '__main__': main()
