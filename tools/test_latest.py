"The built wheel, without nbdev or JupyterLab, beside the newest of its requirements, in a folder that is not the checkout: imports, trains the demo's smallest form, colours a photo."
import os, shutil, subprocess, sys, tempfile, venv
from pathlib import Path
from common import ROOT, copy_checkout

check = '''
import importlib, importlib.util, pkgutil, sys
from importlib.metadata import version
for gone in ('nbdev', 'jupyterlab'): assert importlib.util.find_spec(gone) is None, gone
import colorgan
assert 'site-packages' in colorgan.__file__, colorgan.__file__
for m in pkgutil.iter_modules(colorgan.__path__): importlib.import_module('colorgan.' + m.name)
print('beside', *(f'{p} {version(p)}' for p in ('fastai', 'fastcore', 'torch', 'torchvision', 'torchmetrics', 'scikit-image', 'typer', 'pillow')), sep='\\n  ')
import skimage, shutil; from pathlib import Path
shutil.copy(Path(skimage.__file__).parent/'data'/'coffee.png', 'old.png')
'''
same = '''
from PIL import Image
a, b = Image.open('old.png'), Image.open('coloured/old.png'); assert a.size == b.size and b.mode == 'RGB', (a, b); print('coloured', b.size)
'''

def main():
    work = Path(tempfile.mkdtemp(prefix='colorgan-latest-'))
    try:
        src = copy_checkout(work/'src'); run = lambda *a, **kw: subprocess.run([str(o) for o in a], check=True, cwd=work, **kw)
        run(sys.executable, '-m', 'build', '--wheel', '--outdir', work/'dist', src, stdout=subprocess.DEVNULL); shutil.rmtree(src)
        venv.create(work/'venv', with_pip=True); bin = work/'venv'/'bin'; wheel = next((work/'dist').glob('*.whl')); print('installing', wheel.name, 'and the newest of what it needs', flush=True)
        run(bin/'python', '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', wheel)
        env = {k: v for k, v in os.environ.items() if k != 'PYTHONPATH'} | dict(COLORGAN_CACHE=str(work/'cache'), COLORGAN_OFFLINE='1'); here = dict(env=env)
        run(bin/'python', '-W', 'ignore', '-c', check, **here); run(bin/'colorgan', 'demo', '--tiny', '--out', work/'demo', **here)
        run(bin/'colorgan', 'colorize', 'old.png', '--weights', work/'demo'/'generator.safetensors', **here); run(bin/'python', '-c', same, **here)
        print('the wheel works beside the newest')
    finally: shutil.rmtree(work, ignore_errors=True)

if __name__ == '__main__': main()
