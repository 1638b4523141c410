"""The built wheel, without nbdev or JupyterLab and without any extra, beside the newest of its requirements, in a folder that is not the checkout: imports, trains the demo's smallest form, colours a photo; `--notebooks`: runs every notebook as Colab does, with the extra that its own install cell names and no other.
`test_latest.py [--notebooks [--only 02_data …]] [--jobs 2] [--first torch==2.13.0 …] [REQUIREMENT…]`; the requirements are pip's, as `'fastai==2.8.8' 'fastcore==2.2.*'`. `--first` is there before colorgan comes, as Colab's torch is, and must be there unchanged at the end. It runs under any Python from 3.10 on, with nothing installed but git, and makes its environment with it."""
import argparse, json, os, re, shutil, subprocess, sys, tempfile, time, venv
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from common import ROOT, copy_checkout, notebooks

check = '''
import importlib, importlib.util, pkgutil, sys
from importlib.metadata import version
for gone in ('nbdev', 'jupyterlab'): assert importlib.util.find_spec(gone) is None, gone
import colorgan
assert 'site-packages' in colorgan.__file__, colorgan.__file__
for m in pkgutil.iter_modules(colorgan.__path__): importlib.import_module('colorgan.' + m.name)
print('beside', f'Python {sys.version.split()[0]}', *(f'{p} {version(p)}' for p in ('fastai', 'fastcore', 'torch', 'torchvision', 'torchmetrics', 'scikit-image', 'typer', 'pillow')), sep='\\n  ')
import skimage, shutil; from pathlib import Path
shutil.copy(Path(skimage.__file__).parent/'data'/'coffee.png', 'old.png')
'''
same = '''
from PIL import Image
a, b = Image.open('old.png'), Image.open('coloured/old.png'); assert a.size == b.size and b.mode == 'RGB', (a, b); print('coloured', b.size)
'''

versions = 'import json, sys; from importlib.metadata import version; print(json.dumps({p: version(p) for p in sys.argv[1:]}))'

def layer(work, name):
    "An environment on top of the first one: it sees what is there, and what comes into it is seen nowhere else."
    venv.create(work/name, with_pip=True); of = lambda d: next((work/d/'lib').glob('python*'))/'site-packages'; (of(name)/'below.pth').write_text(f'{of("venv")}\n'); return work/name/'bin'

def run_notebooks(work, src, wheel, pip, bin, env, jobs, only=()):
    "Each in an environment that its own install cell gives. Names of those that failed."
    from colab import needs
    extra = lambda p: needs.get(p.name.split('_')[0]); alone, bad = work/'colab', []; alone.mkdir()
    def one(p, bin):
        rel = p.relative_to(src/'nbs').as_posix(); report = rel.startswith('experiments/') or rel == 'index.ipynb'; cwd = p.parent if report else Path(tempfile.mkdtemp(dir=alone))      # a report's install cell fetches the checkout, for results/
        r = subprocess.run([bin/'python', ROOT/'tools'/'outside.py', p if report else shutil.copy(p, cwd)], cwd=cwd, env=env | dict(OMP_NUM_THREADS='1', PYTHONWARNINGS='ignore', MPLBACKEND='agg'), capture_output=True, text=True)
        try: o = json.loads(r.stdout.strip().split('\n')[-1])
        except (ValueError, IndexError): o = dict(ok=False, ran=0, of=0, seconds=0, error=r.stderr[-600:], where='site-packages')
        if 'site-packages' not in o['where']: o.update(ok=False, error=f"it imported {o['where']}")
        print(f"  {'ok' if o['ok'] else '✗ '} {rel}: {o['ran']} of {o['of']} cells, {o['seconds']:.0f} s" + (f"\n{o['error']}" if o['error'] else ''), flush=True)
        if not o['ok']: bad.append(rel)
    nbs = [p for p in notebooks(src) if not only or p.stem in only]; pip('ipython'); (work/'cache').mkdir(exist_ok=True)
    for w in (src/'data'/'weights').glob('colorgan-*.safetensors'): shutil.copy2(w, work/'cache')      # as if they had been fetched: there is no network in a test
    for e in [None, *sorted(set(needs.values()))]:
        if not any(extra(p) == e for p in nbs): continue
        there = bin
        if e: print('with', e, flush=True); there = layer(work, f'venv-{e}'); pip(f'{wheel}[{e}]', bin=there)
        with ThreadPoolExecutor(jobs) as ex: list(ex.map(lambda p: one(p, there), [p for p in nbs if extra(p) == e]))
    return bad

def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter); ap.add_argument('also', nargs='*', metavar='REQUIREMENT'); ap.add_argument('--notebooks', action='store_true'); ap.add_argument('--first', action='append', default=[], metavar='REQUIREMENT', help='installed before colorgan, and compared afterwards; repeatable'); ap.add_argument('--only', action='append', default=[], metavar='NOTEBOOK', help='of the notebooks this one, as 02_data; repeatable'); ap.add_argument('--jobs', type=int, default=2); ap.add_argument('--keep', type=Path, help='use this folder, and leave it there')
    a = ap.parse_args(); a.only and (gone := set(a.only) - {p.stem for p in notebooks(ROOT)}) and ap.error(f"no notebook {', '.join(sorted(gone))}"); work = (a.keep or Path(tempfile.mkdtemp(prefix='colorgan-latest-'))).resolve(); bad, t = [], time.time()
    try:
        for d in ('src', 'dist', 'colab', 'demo', *(p.name for p in work.glob('venv-*'))): shutil.rmtree(work/d, ignore_errors=True)
        src = copy_checkout(work/'src'); run = lambda *c, **kw: subprocess.run([str(o) for o in c], check=True, cwd=work, **kw); bin = work/'venv'/'bin'
        venv.create(work/'venv', with_pip=True); pip = lambda *c, bin=bin: run(bin/'python', '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', *c, *a.also)
        if a.first: run(bin/'python', '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', *a.first)
        own = lambda bin: json.loads(run(bin/'python', '-c', versions, *(re.match(r'[\w.-]+', r)[0] for r in a.first), capture_output=True, text=True).stdout); was = own(bin)
        run(bin/'python', '-m', 'pip', 'wheel', '--quiet', '--disable-pip-version-check', '--no-deps', '--wheel-dir', work/'dist', src); wheel = next((work/'dist').glob('*.whl')); print('installing', wheel.name, 'and the newest of what it needs', flush=True); pip(wheel)
        env = {k: v for k, v in os.environ.items() if k != 'PYTHONPATH'} | dict(COLORGAN_CACHE=str(work/'cache'), COLORGAN_OFFLINE='1'); here = dict(env=env)
        run(bin/'python', '-W', 'ignore', '-c', check, **here); run(bin/'colorgan', 'demo', '--tiny', '--out', work/'demo', **here)
        run(bin/'colorgan', 'colorize', 'old.png', '--weights', work/'demo'/'generator.safetensors', **here); run(bin/'python', '-c', same, **here)
        if a.notebooks: bad = run_notebooks(work, src, wheel, pip, bin, env, a.jobs, a.only)
        for d in ('venv', *sorted(p.name for p in work.glob('venv-*'))):
            if (now := own(work/d/'bin')) != was: bad.append(f'{d}: {was} became {now}')
        if a.first and not bad: print('unchanged:', *(f'{k} {v}' for k, v in was.items()))
        print(f"failed: {', '.join(bad)}" if bad else f'the wheel works beside the newest ({(time.time() - t)/60:.0f} min)'); sys.exit(bool(bad))
    finally:
        if not a.keep: shutil.rmtree(work, ignore_errors=True)

if __name__ == '__main__': main()
