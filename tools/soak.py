"""Train for a while, then colour many photos with one `Colorizer`, and see whether memory or open files grow: `soak.py [--seconds N] [--photos N] [--out FILE]`.
The slope is that of a straight line through the second half of the samples, with its standard error."""
import argparse, gc, os, tempfile, time
from pathlib import Path
os.environ.setdefault('OMP_NUM_THREADS', '1'); os.environ.setdefault('COLORGAN_OFFLINE', '1')
import numpy as np

def rss_mb(): return int(Path('/proc/self/statm').read_text().split()[1])*os.sysconf('SC_PAGE_SIZE')/2**20
def fds(): return len(os.listdir('/proc/self/fd'))

def slope(rows):
    "(MB for each 1,000, its standard error) of the second half of [(n, MB, fds)…]."
    x, y = np.array([r[:2] for r in rows[len(rows)//2:]], float).T; x = (x - x.mean())/1000; b = (x*(y - y.mean())).sum()/(x*x).sum(); e = y - y.mean() - b*x
    return float(b), float(np.sqrt((e*e).sum()/(len(x) - 2)/(x*x).sum()))

def report(seconds, rows): b, se = slope(rows); return dict(n=rows[-1][0], memory_mb_first_middle_last=[round(rows[i][1]) for i in (0, len(rows)//2, -1)], mb_per_1000=round(b, 3), standard_error=round(se, 3), descriptors_first_last=[rows[0][2], rows[-1][2]], seconds=round(seconds, 1))

def main():
    ap = argparse.ArgumentParser(description=__doc__); ap.add_argument('--seconds', type=float, default=60, help='of training'); ap.add_argument('--photos', type=int, default=500); ap.add_argument('--out', type=Path)
    a = ap.parse_args(); import torch; torch.set_num_threads(1)
    from colorgan.core import Settings, environment, write_json
    from colorgan.colorize import Colorizer
    from colorgan.data import make_sets
    from colorgan.gan import start_gan, train_gan
    from colorgan.generator import make_generator, save_weights
    from colorgan.pretrain import Interrupted, TrainState
    s = Settings(generator='unet', nf=8, size=32, patch=16, bs=8, resize='crop', crops=8, n_valid=2, precision='fp32', device='cpu', log_every=10, lr_decay=0.); train, valid, _ = make_sets(s, cache=False); st = TrainState(s); start_gan(st); rows, t = [], time.time()
    class Bar:
        def update(self, n):
            if st.step % 20 == 0: rows.append((st.step, rss_mb(), fds()))
        def set_postfix_str(self, text): pass
    try: train_gan(st, train, 10**7, valid=valid, progress=Bar(), stop=lambda: 130 if time.time() > t + a.seconds else 0)
    except Interrupted: pass
    out = dict(training=report(time.time() - t, rows)); print(out, flush=True)
    rng, rows, t = np.random.default_rng(0), [], time.time(); G = make_generator(Settings(generator='resnet18', encoder='none', size=64)).eval()
    with tempfile.TemporaryDirectory() as d: save_weights(Path(d)/'g.safetensors', G, size=64, run='soak'); cz = Colorizer.from_file(Path(d)/'g.safetensors')
    for i in range(a.photos):
        h, w = rng.integers(20, 400, 2); cz(rng.integers(0, 256, (h, w, 3), dtype=np.uint8))
        if i % 5 == 4: gc.collect(); rows.append((i + 1, rss_mb(), fds()))
    g = make_generator(Settings(generator='resnet18', encoder='none', size=64)); g(torch.zeros(1, 1, 64, 64)); hooks = list(g.net.sfs.hooks)      # DynamicUnet's
    out |= dict(photos=report(time.time() - t, rows), hooks=len(hooks), activations_held_after_a_forward=sum(h.stored is not None for h in hooks)); print(out, flush=True)
    for k in ('training', 'photos'):
        r = out[k]; assert r['descriptors_first_last'][1] <= r['descriptors_first_last'][0] + 1, f'{k}: files stay open'
    assert out['activations_held_after_a_forward'] == 0 and out['hooks'] > 0
    env = environment(); write_json(a.out, dict(out, test='tools/soak.py', env={k: env[k] for k in ('commit', 'dirty', 'utc', 'command', 'python', 'cores', 'versions')})) if a.out else None

if __name__ == '__main__': main()
