"Run All, in a real Jupyter kernel, leaving out what the tests leave out: `run_nbs.py [--save] [--flags 'slow cuda'] NOTEBOOK…`. With --save the outputs are kept."
import argparse, os, re, subprocess, sys, time
from pathlib import Path
import nbformat
from jupyter_client import KernelManager
from jupyter_client.kernelspec import KernelSpec
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from common import ROOT, quiet_env, skipped, test_flags

class OwnKernel(KernelManager):
    "A kernel of this very Python, whatever kernels the machine offers."
    @property
    def kernel_spec(self): return KernelSpec(argv=[sys.executable, '-m', 'ipykernel_launcher', '-f', '{connection_file}'], display_name='own', language='python')

def tidy(outputs):
    "Without the lines that native code logs about the machine it runs on."
    for o in outputs:
        if o.output_type == 'stream' and o.name == 'stderr': o.text = re.sub(r'(?m)^(USDT|ERROR|[WE]\d{4})\S* .*\.(cpp|py):\d+\].*\n?', '', o.text)
    return [o for o in outputs if o.output_type != 'stream' or o.text.strip()]

def run(path, flags, save, timeout=1200):
    nb = nbformat.read(path, 4); work = nbformat.from_dict(nb)
    for i, c in enumerate(work.cells):
        if c.cell_type == 'code' and skipped(c, flags): c.source = 'pass'
    client = NotebookClient(work, km=OwnKernel(), timeout=timeout, resources={'metadata': {'path': str(path.parent)}})
    try: client.execute()
    except CellExecutionError as e: i = next(i for i, c in enumerate(work.cells) if any(o.output_type == 'error' for o in c.get('outputs', []))); return f'cell {i}: {str(e).strip()[-1200:]}'
    if save:
        for c, w in zip(nb.cells, work.cells):
            if c.cell_type == 'code' and not skipped(c, flags): c.outputs = tidy(w.outputs)
        nbformat.write(nb, path)
        if (kb := sum(len(str(c.get('outputs', ''))) for c in nb.cells)/1024) > 200: print(f'  {path.name}: {kb:.0f} KB of outputs', flush=True)

def main():
    ap = argparse.ArgumentParser(description=__doc__); ap.add_argument('notebooks', nargs='+', type=Path); ap.add_argument('--save', action='store_true'); ap.add_argument('--flags', default='')
    a = ap.parse_args(); os.environ.update({k: v for k, v in quiet_env(ROOT).items() if k not in ('MPLBACKEND',)}); flags = test_flags() - set(a.flags.split()); bad = 0
    for p in a.notebooks:
        t = time.time(); why = run(p.resolve(), flags, a.save); bad += why is not None
        print(f"{'✗' if why else '✓'} {p} ({time.time() - t:.0f} s)" + (f'\n{why}' if why else ''), flush=True)
    if a.save: subprocess.run(['nbdev_clean'], cwd=ROOT, check=True)
    print(f'{len(a.notebooks) - bad} of {len(a.notebooks)} ran'); sys.exit(bool(bad))

if __name__ == '__main__': main()
