"What the tools share: the notebooks, their flags, a copy of the checkout to try things in."
import argparse, configparser, os, shutil, subprocess, sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

def options(doc, *flags, names=None):
    "A tool's few options; anything else is refused, and --help says what it does."
    ap = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    for f in flags: ap.add_argument(f, action='store_true')
    if names: ap.add_argument('names', nargs='*', metavar=names)
    return ap.parse_args()

def notebooks(root=ROOT):
    "Every notebook of the series, in order."
    return sorted(p for p in (root/'nbs').rglob('*.ipynb') if not any(o.startswith(('_', '.')) for o in p.relative_to(root).parts))

def test_flags(root=ROOT):
    ini = configparser.ConfigParser(delimiters=['=']); ini.read(root/'settings.ini', encoding='utf-8'); return set(ini['DEFAULT']['tst_flags'].split())

def skipped(cell, flags):
    "Would nbdev's test runner leave this cell out?"
    if cell.cell_type != 'code' or 'nbdev_export(' in cell.source: return True
    ds = [l.lstrip('#').strip().lstrip('|').strip() for l in cell.source.split('\n') if l.replace(' ', '').startswith('#|')]
    return any(d.replace(' ', '') == 'eval:false' or d.split(':')[0].split(' ')[0] in flags for d in ds if d)

def to_run(path, flags):
    "The code cells of a notebook that are run."
    import nbformat
    return [i for i, c in enumerate(nbformat.read(path, 4).cells) if c.cell_type == 'code' and c.source.strip() and not skipped(c, flags)]

def copy_checkout(to):
    "The files that git knows or would add, in another folder, as a repository of its own."
    names = subprocess.run(['git', 'ls-files', '-z', '-co', '--exclude-standard'], cwd=ROOT, capture_output=True, check=True).stdout.decode().split('\0')
    for n in filter(None, names):
        if (ROOT/n).is_file(): (to/n).parent.mkdir(parents=True, exist_ok=True); shutil.copy2(ROOT/n, to/n)
    env = dict(os.environ, GIT_CONFIG_GLOBAL=os.devnull)
    for a in (['init', '-q'], ['add', '-A', '-f'], ['-c', 'user.name=check', '-c', 'user.email=check@localhost', 'commit', '-q', '-m', 'as it is']): subprocess.run(['git', *a], cwd=to, check=True, env=env)
    return to

def quiet_env(root, threads=1):
    "The environment in which notebooks and commands are run, with `root`'s own library first."
    return dict(os.environ, PYTHONPATH=str(root), OMP_NUM_THREADS=str(threads), PYTHONWARNINGS='ignore', COLORGAN_OFFLINE='1', MPLBACKEND='agg', JUPYTER_PLATFORM_DIRS='1', PATH=os.pathsep.join([str(Path(sys.executable).parent), os.environ['PATH']]))
