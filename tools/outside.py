"""One notebook as Colab runs it: `outside.py NOTEBOOK`, in a folder that is no checkout, with the installed colorgan and without nbdev; a JSON line on stdout.
Cells that the tests leave out are left out here too, and so is what only makes the library: `run_nbs.py` is the same with Jupyter."""
import contextlib, io, json, os, sys, time, traceback
from pathlib import Path

FLAGS = {'slow', 'cuda', 'data'}
def left_out(src):
    ds = [l.lstrip('#').strip().lstrip('|').strip() for l in src.split('\n') if l.replace(' ', '').startswith('#|')]
    return any(d.replace(' ', '') == 'eval:false' or d.split(':')[0].split(' ')[0] in FLAGS for d in ds if d)

def main():
    from IPython.core.interactiveshell import InteractiveShell
    path = Path(sys.argv[1]); cells = [''.join(c['source']) for c in json.loads(path.read_text('utf-8'))['cells'] if c['cell_type'] == 'code']
    sh, ran, bad, t, quiet = InteractiveShell.instance(), 0, None, time.time(), io.StringIO(); sh.showtraceback = lambda *a, **k: None
    for i, src in enumerate(cells):
        if not src.strip() or left_out(src): continue
        with contextlib.redirect_stdout(quiet), contextlib.redirect_stderr(quiet): r = sh.run_cell(src, store_history=False)
        if e := r.error_before_exec or r.error_in_exec: bad = f'code cell {i}: ' + ''.join(traceback.format_exception(e))[-1200:]; break
        ran += 1
    import colorgan
    print(json.dumps(dict(notebook=path.name, ok=bad is None, ran=ran, of=len(cells), seconds=round(time.time() - t, 1), error=bad, where=colorgan.__file__)), flush=True); os._exit(bad is not None)

if __name__ == '__main__': main()
