"""Train for a while, as a run does, with record, samples, checkpoints and watch; then colour many photos with one `Colorizer`; and see whether memory or open files grow: `soak.py [--seconds N] [--photos N] [--out FILE]`.
The slope is that of a straight line through the second half of the samples, with its standard error; slope + 2 errors must stay below a bound. An hour and 5,000 photos, or more, are the long form."""
import argparse, contextlib, ctypes, gc, os, sys, tempfile, time
from pathlib import Path
os.environ.setdefault('OMP_NUM_THREADS', '1'); os.environ.setdefault('COLORGAN_OFFLINE', '1')
import numpy as np

def rss_mb():
    "Memory in use, in MB, after what is free was given back: what grows then is held."
    with contextlib.suppress(AttributeError, OSError): ctypes.CDLL(None).malloc_trim(0)
    return int(Path('/proc/self/statm').read_text().split()[1])*os.sysconf('SC_PAGE_SIZE')/2**20
def fds(): return len(os.listdir('/proc/self/fd'))

def slope(rows):
    "(MB for each 1,000, its standard error) of the second half of [(n, MB, fds)…]."
    x, y = np.array([r[:2] for r in rows[len(rows)//2:]], float).T; x = (x - x.mean())/1000; b = (x*(y - y.mean())).sum()/(x*x).sum(); e = y - y.mean() - b*x
    return float(b), float(np.sqrt((e*e).sum()/(len(x) - 2)/(x*x).sum()))

BOUNDS = dict(long=dict(training=.4, photos=10.), short=dict(training=400., photos=400.))      # MB for each 1,000 steps or photos: a number kept of each step as a tensor would be .6; 10 KB of each photo 10, where the photo itself has 130; a short form, of seconds, sees the warming up, and must see 1 MB a step or photo

def report(seconds, rows, bound):
    b, se = slope(rows); return dict(n=rows[-1][0], memory_mb_first_middle_last=[round(rows[i][1]) for i in (0, len(rows)//2, -1)], mb_per_1000=round(b, 3), standard_error=round(se, 3), bound=bound, descriptors_first_last=[rows[0][2], rows[-1][2]], seconds=round(seconds, 1))

def wrong(part, r):
    "What is not flat."
    if r['mb_per_1000'] + 2*r['standard_error'] >= r['bound']: yield f"{part}: memory grows by {r['mb_per_1000']} ± {r['standard_error']} MB for 1,000; the bound is {r['bound']}"
    if r['descriptors_first_last'][1] > r['descriptors_first_last'][0] + 1: yield f"{part}: files stay open: {r['descriptors_first_last']}"

def train(seconds, folder, every=50):
    "Steps of both nets for so long, 60 at least, with all that a run does beside them: the samples (step, MB, files), one every so many steps."
    from colorgan.core import RunRecord, Settings
    from colorgan.data import make_sets
    from colorgan.gan import sample_photos, start_gan, train_gan
    from colorgan.pretrain import Interrupted, StageCallback, TrainState
    from colorgan.watch import Watch
    s = Settings(generator='unet', nf=8, size=32, patch=16, bs=8, resize='crop', crops=8, n_valid=2, precision='fp32', device='cpu', log_every=50, sample_every=100, save_every=50, keep='best', lr_decay=0.); sets, valid, info = make_sets(s, cache=False); st = TrainState(s); start_gan(st); rec = RunRecord(folder, s, info); rows, samples = [], sample_photos(s.size); StageCallback.kept = 500      # rows and losses: cut so early that an hour sees it
    class Bar:
        def update(self, n):
            if st.step % every == 0: gc.collect(); rows.append((st.step, rss_mb(), fds()))
        def set_postfix_str(self, text): pass
    t = time.time()
    try: train_gan(st, sets, 10**7, record=rec, valid=valid, samples=samples, checkpoint=folder/'state.pt', watch=Watch(s, print, rec.log, st.memo), progress=Bar(), stop=lambda: 130 if time.time() > t + seconds and st.step >= 60 else 0)
    except Interrupted: pass
    return rows, dict(logged=len(rec.rows()), sheets=len(list((folder/'samples').glob('*.jpg'))), checkpoints=sorted(p.name for p in folder.glob('*.pt')))

def colour(n, d):
    "n photos of many sizes through one `Colorizer`."
    from colorgan.colorize import Colorizer
    from colorgan.core import Settings
    from colorgan.generator import make_generator, save_weights
    rng, rows = np.random.default_rng(0), []; save_weights(d/'g.safetensors', make_generator(Settings(generator='resnet18', encoder='none', size=64)).eval(), size=64, run='soak'); cz = Colorizer.from_file(d/'g.safetensors')
    for _ in range(8): cz(np.zeros((400, 400, 3), np.uint8))      # the largest first: what they need is no growth
    for i in range(n):
        h, w = rng.integers(20, 400, 2); cz(rng.integers(0, 256, (h, w, 3), dtype=np.uint8))
        if i % 5 == 4: gc.collect(); rows.append((i + 1, rss_mb(), fds()))
    return rows

def main():
    ap = argparse.ArgumentParser(description=__doc__); ap.add_argument('--seconds', type=float, default=60, help='of training'); ap.add_argument('--photos', type=int, default=500); ap.add_argument('--out', type=Path)
    a = ap.parse_args(); import torch; torch.set_num_threads(1)
    from colorgan.core import Settings, environment, write_json
    from colorgan.generator import make_generator
    env = environment(); form = 'long' if a.seconds >= 3600 and a.photos >= 5000 else 'short'; out = dict(form=form, test='tools/soak.py', env={k: env[k] for k in ('commit', 'dirty', 'utc', 'command', 'python', 'cores', 'versions')})      # as it is when the hours begin
    def keep(**what):      # after each part: the next may fail
        out.update(what); print({k: v for k, v in out.items() if k != 'env'}, flush=True)
        if a.out: write_json(a.out, out)
    with tempfile.TemporaryDirectory() as d:
        t = time.time(); rows, did = train(a.seconds, Path(d)/'run', 50 if a.seconds >= 60 else 5); keep(training=report(time.time() - t, rows, BOUNDS[form]['training']) | did)
        t = time.time(); rows = colour(a.photos, Path(d)); keep(photos=report(time.time() - t, rows, BOUNDS[form]['photos']))
    g = make_generator(Settings(generator='resnet18', encoder='none', size=64)); g(torch.zeros(1, 1, 64, 64)); hooks = list(g.net.sfs.hooks)      # DynamicUnet's
    keep(hooks=len(hooks), activations_held_after_a_forward=sum(h.stored is not None for h in hooks)); bad = [t for k in ('training', 'photos') for t in wrong(k, out[k])]
    if out['activations_held_after_a_forward'] or not hooks: bad.append('hooks hold activations after a forward pass')
    keep(wrong=bad); sys.exit('; '.join(bad) or 0)

if __name__ == '__main__': main()
