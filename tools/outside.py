"""One notebook as Colab runs it: `outside.py NOTEBOOK`, in a folder that is no checkout, with the installed colorgan and without nbdev; a JSON line on stdout.
Run all means all: cells that tests leave out for their length are run too. Where a cell asks whether it is on Colab, it is told yes: a stand-in uploads a photo and takes what comes back."""
import contextlib, io, json, os, sys, time, traceback, types
from pathlib import Path

taken = []
def stand_in():
    "`google.colab.files`, as far as the notebooks use it."
    try: import google
    except ImportError: sys.modules['google'] = google = types.ModuleType('google'); google.__path__ = []
    def upload():
        import numpy as np; from PIL import Image
        Image.fromarray((np.indices((40, 56)).sum(0)*2).astype('uint8')).save('mine.png'); Path('broken.jpg').write_bytes(b'no photo'); return {n: Path(n).read_bytes() for n in ('broken.jpg', 'mine.png')}
    files = types.SimpleNamespace(upload=upload, download=lambda p: taken.append(Path(p).read_bytes()))
    google.colab = sys.modules['google.colab'] = types.ModuleType('google.colab'); google.colab.files = files

def main():
    from IPython.core.interactiveshell import InteractiveShell
    path = Path(sys.argv[1]); cells = [''.join(c['source']) for c in json.loads(path.read_text('utf-8'))['cells'] if c['cell_type'] == 'code']; asks = any('files.upload' in src for src in cells)
    if asks: stand_in()
    sh, ran, bad, t, quiet = InteractiveShell.instance(), 0, None, time.time(), io.StringIO(); sh.showtraceback = lambda *a, **k: None
    for i, src in enumerate(cells):
        if not src.strip(): continue
        with contextlib.redirect_stdout(quiet), contextlib.redirect_stderr(quiet): r = sh.run_cell(src, store_history=False)
        if e := r.error_before_exec or r.error_in_exec: bad = f'code cell {i}: ' + ''.join(traceback.format_exception(e))[-1200:]; break
        ran += 1
    if asks and not bad and len(taken) != 1: bad = f'{len(taken)} photos came back of one that was uploaded beside a broken file'
    import colorgan
    print(json.dumps(dict(notebook=path.name, ok=bad is None, ran=ran, of=len(cells), seconds=round(time.time() - t, 1), error=bad, where=colorgan.__file__)), flush=True); os._exit(bad is not None)

if __name__ == '__main__': main()
