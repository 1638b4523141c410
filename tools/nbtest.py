"""Run one notebook as nbdev_test does, and report how many cells ran: `nbtest.py ROOT NOTEBOOK`, a JSON line on stdout.
What it leaves in the temporary folder goes with it, also when it failed half-way.
A table that a notebook stores (Markdown output) must be the one that it makes now: tables are made from the records in results/."""
import contextlib, io, json, os, sys, tempfile, time
from pathlib import Path

root, path = Path(sys.argv[1]), Path(sys.argv[2]); os.chdir(root); sys.path.insert(0, str(root))
from execnb.shell import CaptureShell
from nbdev.test import test_nb
bare = lambda s: '\n'.join(l for l in s.split('\n') if not l.replace(' ', '').startswith('#|')).strip()
stored = {bare(''.join(c['source'])): c['outputs'] for c in json.loads(path.read_text('utf-8'))['cells'] if c['cell_type'] == 'code'}
tables = lambda outs: [''.join(o['data']['text/markdown']) for o in outs or () if 'text/markdown' in o.get('data', {})]
ran, run, last, stale = [], CaptureShell.run, [], []
def counted(self, code, *a, **kw):
    last[:] = [getattr(self, '_cell_idx', 0) - 1, code]; out = run(self, code, *a, **kw); ran.append(code)
    if bare(code) in stored and tables(out) != tables(stored[bare(code)]): stale.append(last[0])
    return out
CaptureShell.run = counted
flags = __import__('configparser').ConfigParser(delimiters=['=']); flags.read('settings.ini', encoding='utf-8')
t, err = time.time(), io.StringIO()
with tempfile.TemporaryDirectory(prefix='colorgan-nb-', ignore_cleanup_errors=True) as tempfile.tempdir, contextlib.redirect_stderr(err), contextlib.redirect_stdout(io.StringIO()):
    os.environ['TMPDIR'] = tempfile.tempdir; ok, _ = test_nb(path, skip_flags=flags['DEFAULT']['tst_flags'].split(), basepath=root)
tempfile.tempdir = None
import colorgan
if ok and stale: ok, last[:] = False, [stale[0], '']; err.write(f'the stored table is not what the records give (cells {stale}): run make refresh')
print(json.dumps(dict(ok=ok, ran=len([c for c in ran if c.strip()]), seconds=time.time() - t, cell=last[0] if last else None, code=last[1] if last else '', error=err.getvalue()[-1500:], where=colorgan.__file__)))
