"The command line as its users meet it: every verb, in processes of its own."
import csv, hashlib, json, os, re, shutil, signal, subprocess, sys, tempfile, time, unittest
from pathlib import Path
import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
SETS = 'generator=unet nf=8 size=32 patch=16 bs=4 pretrain_steps=30 gan_steps=30 log_every=5 save_every=10 sample_every=30 precision=fp32 device=cpu n_valid=2 resize=crop crops=4'.split()

class Base(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = Path(tempfile.mkdtemp()); cls.env = dict(os.environ, COLORGAN_CACHE=str(cls.dir/'cache'), COLORGAN_OFFLINE='1', PYTHONWARNINGS='ignore'); cls.env.pop('COLORGAN_WEIGHTS', None)
        from colorgan.data import get_source
        src = get_source('skimage'); cls.photos = cls.dir/'photos'; cls.photos.mkdir()
        for i, n in enumerate(src.names): Image.fromarray(src.read(i)).resize((90, 70)).save(cls.photos/f'{Path(n).stem}.png')
        Image.new('L', (50, 40), 128).save(cls.photos/'grey.jpg'); (cls.photos/'broken.jpg').write_bytes(b'\xff\xd8\xff not a photo')

    @classmethod
    def tearDownClass(cls): shutil.rmtree(cls.dir, ignore_errors=True)

    @classmethod
    def start(cls, *a, py=()): return subprocess.Popen([sys.executable, *py, '-m', 'colorgan.cli', *map(str, a)], env=cls.env, cwd=cls.dir, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    @classmethod
    def go(cls, *a, **kw): p = cls.start(*a, **kw); out, err = p.communicate(timeout=300); return p.returncode, out, err

    def fails(self, code, text, *a):
        rc, out, err = self.go(*a); self.assertEqual((rc, out), (code, ''), err); self.assertIn(text, err); self.assertNotIn('Traceback', err); return err

class Shipped(Base):
    "With the weights that come with colorgan."
    def pixels(self, f): return np.asarray(Image.open(self.dir/f)).astype(int)

    def test_card(self):
        from colorgan.colorize import weights_name, weights_sha256
        home = ROOT/'data'/'weights'; card = json.loads((home/'card.json').read_text('utf-8')); w = (home/card['file']).read_bytes(); self.assertEqual((card['file'], card['sha256'], card['bytes']), (weights_name, weights_sha256, len(w))); self.assertEqual(hashlib.sha256(w).hexdigest(), weights_sha256); self.assertLessEqual(sum(f.stat().st_size for f in home.iterdir()), 24*2**20)
        with (ROOT/'data'/'manifests'/'photos.csv').open(encoding='utf-8') as f: rows = list(csv.DictReader(f))
        self.assertEqual({r['part'] for r in rows}, {'train', 'test'}); part = lambda p, key: {r[key] for r in rows if r['part'] == p}; self.assertFalse(part('test', 'name') & part('train', 'name') or part('test', 'sha256') & part('train', 'sha256'), 'a photo in both parts')
        for kind in ('nature', 'objects', 'scenes'): self.assertLessEqual(abs(card['tests'][kind]['shrunk_minus_whole']), .05, kind)
        for kind in ('nature', 'objects'):
            test = sorted(r['sha256'] for r in rows if r['part'] == 'test' and r['name'].startswith(kind + '/')); self.assertEqual((len(test), len(set(test)), card['tests'][kind]['rows']['model']['n']), (150, 150, 150)); self.assertEqual(card['tests'][kind]['photos_sha256'], hashlib.sha256(''.join(test).encode()).hexdigest(), f'the card is of other {kind} photos')

    def test_imports(self):
        rc, out, err = self.go('colorize', self.photos/'chelsea.png', self.photos/'grey.jpg', '--out', 'plain', py=('-X', 'importtime')); self.assertEqual((rc, len(out.split())), (0, 2), err[-2000:]); seen = {l.split('|')[2].strip().split('.')[0] for l in err.splitlines() if l.startswith('import time:') and l.count('|') == 2}
        self.assertLessEqual({'torch', 'PIL', 'colorgan'}, seen); self.assertFalse(seen & set('IPython av datasets fastai fastcore fsspec gradio huggingface_hub imagecodecs matplotlib nbdev onnx onnxruntime pandas ray rich scipy skimage sklearn spacy tifffile torchaudio torchmetrics torchvision transformers'.split()))

    def test_weights_before_the_cache(self):
        from colorgan.colorize import weights_name
        from colorgan.core import Settings
        from colorgan.generator import make_generator, save_weights
        (self.dir/'cache').mkdir(exist_ok=True); f = self.dir/'cache'/weights_name; save_weights(f, make_generator(Settings(generator='unet', size=32, nf=8)), size=32, run='other'); self.addCleanup(f.unlink)
        rc, out, err = self.go('info', '--json'); self.assertEqual((rc, json.loads(out)['weights']), (0, str(ROOT/'data'/'weights'/weights_name)), err)

    def test_size_and_samples(self):
        p = self.photos/'coffee.png'; a, b = [(self.go('colorize', p, '--out', f'size{k}', '--size', k), self.pixels(f'size{k}/coffee.png'))[1] for k in (0, 48)]
        self.assertEqual((a.shape, b.shape), ((70, 90, 3),)*2); self.assertGreater(np.abs(a - b).mean(), 1, 'the same answer at another size')
        rc, out, err = self.go('colorize', p, '--out', 'some', '--samples', '3', '--json'); self.assertEqual(rc, 0, err); self.assertEqual(sorted(Path(f).name for f in json.loads(out)['written']), [f'coffee-{k}.png' for k in (1, 2, 3, 'spread')]); self.assertEqual(len(list((self.dir/'some').iterdir())), 4)
        x = [self.pixels(f'some/coffee-{k}.png') for k in (1, 2, 3)]; self.assertEqual({o.shape for o in x}, {(70, 90, 3)}); self.assertGreater(min(np.abs(x[i] - x[j]).mean() for i, j in ((0, 1), (0, 2), (1, 2))), .05, 'two samples are one'); s = self.pixels('some/coffee-spread.png'); self.assertEqual(s.ndim, 2); self.assertGreater(np.ptp(s), 1)

    @unittest.skipUnless(hasattr(signal, 'SIGKILL'), 'no such signal')
    def test_killed_folder(self):
        src, out = self.dir/'many', self.dir/'many-done'; a = Image.open(self.photos/'coffee.png').convert('L').resize((512, 384)); names = {f'{i//8}/{i:02}.png' for i in range(24)}
        for n in names: (src/n).parent.mkdir(parents=True, exist_ok=True); a.save(src/n)
        go = ('colorize', src, '--out', out, '--skip-existing', '--json'); p = self.start(*go); there = lambda hidden: {f.relative_to(out).as_posix(): f for f in out.rglob('*') if f.is_file() and (f.name[0] == '.') == hidden}; end = time.time() + 120
        while p.poll() is None and time.time() < end and not (there(False) and there(True)): time.sleep(.001)
        p.kill(); p.communicate(); self.assertEqual(p.returncode, -signal.SIGKILL, 'it was done before it could be killed'); before = {n: f.read_bytes() for n, f in there(False).items()}; self.assertTrue(0 < len(before) < len(names), len(before))
        left = set(there(True)); rc, said, err = self.go(*go); o = json.loads(said); self.assertEqual((rc, o['failed']), (0, []), err); rel = lambda fs, base: [Path(f).relative_to(base).as_posix() for f in fs]; self.assertEqual(set(rel([x['file'] for x in o['left_out']], src)), set(before)); self.assertEqual(sorted(rel(o['written'], out) + list(before)), sorted(names), 'each once')
        for n, f in there(False).items():
            with Image.open(f) as x: x.load(); self.assertEqual(x.size, (512, 384))
            self.assertEqual(before.get(n, f.read_bytes()), f.read_bytes(), 'a photo that was done was written again')
        self.assertEqual(set(there(False)), names); self.assertTrue(left, 'nothing was being written'); self.assertFalse(there(True), 'half a file of the killed run lies there for ever')

    def peak(self, *a):
        "(exit status, stderr, the peak of resident memory in GB) of the command: through a small process, for a fork begins with its parent's."
        code = 'import resource, subprocess, sys; r = subprocess.run(sys.argv[1:], stdout=sys.stderr); print(r.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)'; r = subprocess.run([sys.executable, '-c', code, sys.executable, '-m', 'colorgan.cli', *map(str, a)], env=self.env, cwd=self.dir, capture_output=True, text=True)
        rc, kb = map(int, r.stdout.split()); return rc, r.stderr, kb*(1 if sys.platform == 'darwin' else 1024)/1e9

    @unittest.skipUnless(os.environ.get('COLORGAN_SLOW'), 'COLORGAN_SLOW=1: minutes, and 3 GB')
    def test_large(self):
        for f, hw, most in (('big.tif', (10_000, 10_000), 2.5), ('photo.jpg', (4000, 3000), 1.2)):
            Image.open(self.photos/'coffee.png').resize(hw, Image.BICUBIC).save(self.dir/f, quality=92); rc, err, gb = self.peak('colorize', f, '--out', 'large'); print(f'\n{f}: {hw[0]*hw[1]/1e6:.0f} megapixels, {gb:.2f} GB at most', flush=True)
            self.assertEqual(rc, 0, err); self.assertLessEqual(gb, most, f); self.assertGreater(gb, .2)
            with Image.open(self.dir/'large'/f) as im: self.assertEqual((im.size, im.mode), (hw, 'RGB'))
            (self.dir/f).unlink(); (self.dir/'large'/f).unlink()

class Command(Base):
    @classmethod
    def setUpClass(cls): super().setUpClass(); cls.run_dir = cls.dir/'run'; cls.trained = cls.go('train', '--data', cls.photos, '--out', cls.run_dir, *sum((['--set', s] for s in SETS), []))

    def test_train_leaves_a_run(self):
        rc, out, err = self.trained; self.assertEqual(rc, 0, err); self.assertIn('CIEDE2000', out); self.assertIn('left out', err); self.assertIn('broken.jpg', err)
        for f in 'config.json env.json data.json plan.json metrics.jsonl summary.json state.pt curves.png samples.jpg generator.safetensors'.split(): self.assertTrue((self.run_dir/f).exists(), f)
        rows = [json.loads(l) for l in (self.run_dir/'metrics.jsonl').read_text().splitlines()]; self.assertEqual(max(r['step'] for r in rows), 60); self.assertTrue({'l1'} <= set(rows[0])); self.assertIn('d_real', rows[-2] | rows[-3])

    def test_train_refuses(self):
        self.fails(2, 'exists already', 'train', '--data', self.photos, '--out', self.run_dir)
        self.fails(2, 'keeps its settings', 'train', '--out', self.run_dir, '--resume', '--set', 'bs=9')
        self.fails(2, 'no folder', 'train', '--data', 'nowhere/at/all', '--out', 'x'); self.assertFalse((self.dir/'x').exists())
        empty = self.dir/'empty'; empty.mkdir(); self.fails(2, 'no photos in', 'train', '--data', empty, '--out', 'y')

    def stopped(self, name, *signals, code):
        "A training that is told to stop once it has saved its state; its folder."
        out = self.dir/name; p = self.start('train', '--data', self.photos, '--out', out, *sum((['--set', s] for s in SETS), []))
        for _ in range(600):
            if (out/'state.pt').exists() or p.poll() is not None: break
            time.sleep(.1)
        for s in signals: p.send_signal(s); time.sleep(.002)
        _, err = p.communicate(timeout=120)
        if p.returncode != 0: self.assertEqual(p.returncode, code, err); self.assertIn('--resume', err); self.assertNotIn('Traceback', err)
        return out

    def test_stopped_and_resumed(self):
        out = self.stopped('stopped', signal.SIGTERM, code=143)
        rc, _, err = self.go('train', '--out', out, '--resume'); self.assertEqual(rc, 0, err)
        a, b = ((d/'metrics.jsonl').read_text().splitlines() for d in (out, self.run_dir)); self.assertEqual(len(a), len(b))
        from safetensors.torch import load_file
        x, y = load_file(out/'generator.safetensors'), load_file(self.run_dir/'generator.safetensors'); self.assertTrue(all((x[k] == y[k]).all() for k in y), 'another generator after a stop')

    @unittest.skipUnless(hasattr(signal, 'SIGHUP'), 'no such signal')
    def test_terminal_closed(self): self.stopped('closed', signal.SIGHUP, signal.SIGHUP, code=129)      # it says so twice

    @unittest.skipIf(os.name == 'nt' or sys.platform == 'darwin', 'names are Unicode there')
    def test_a_name_in_no_alphabet(self):
        d = self.dir/'odd'; d.mkdir(); f = os.fsencode(d) + b'/caf\xe9.png'; Image.open(self.photos/'china.png').save(open(f, 'wb'), 'PNG')
        p = subprocess.run([sys.executable, '-m', 'colorgan.cli', 'colorize', str(d), '--weights', str(self.run_dir/'generator.safetensors'), '--out', str(d/'out')], env=dict(self.env, PYTHONIOENCODING='utf-8:strict'), cwd=self.dir, capture_output=True); self.assertEqual((p.returncode, p.stdout), (0, os.fsencode(d) + b'/out/caf\xe9.png\n'), p.stderr)

    def test_evaluate(self):
        rc, out, err = self.go('evaluate', '--data', self.photos, '--weights', self.run_dir/'generator.safetensors', '--json', '--out', 'metrics.json'); self.assertEqual(rc, 0, err); rep = json.loads(out)
        self.assertEqual(list(rep['rows']), ['truth', 'grey', 'mean_ab', 'model']); self.assertEqual(rep, json.loads((self.dir/'metrics.json').read_text())); self.assertEqual(rep['rows']['model']['n'], 9); self.assertEqual(rep['protocol']['skipped'], 1); self.assertIn('broken.jpg', err)
        self.assertIsNone(rep['rows']['model']['fid']); self.assertIn('inception', rep['protocol']['unavailable']['fid'])
        self.fails(2, 'not a safetensors file', 'evaluate', '--data', self.photos, '--weights', self.photos/'grey.jpg')

    def test_colorize(self):
        w = self.run_dir/'generator.safetensors'; before = {f.name: f.read_bytes() for f in self.photos.iterdir()}
        rc, out, err = self.go('colorize', self.photos, '--weights', w, '--out', 'done', '--saturation', '2'); self.assertEqual(rc, 1, err); self.assertIn(f"failed: {self.photos/'broken.jpg'}: ", err); self.assertEqual(len(out.split()), 9); self.assertRegex(err, r'10/10 \[.*\d ?(photos?/s|s/photos?)\]')
        for f in self.photos.iterdir():
            if f.name != 'broken.jpg': a, b = Image.open(f), Image.open(self.dir/'done'/f.name); self.assertEqual((a.size, a.format, b.mode), (b.size, b.format, 'RGB'))
        self.assertFalse((self.dir/'done'/'broken.jpg').exists()); self.assertEqual(before, {f.name: f.read_bytes() for f in self.photos.iterdir()}); self.assertFalse([f for f in (self.dir/'done').iterdir() if f.name.startswith('.')])
        self.assertGreater(np.ptp(np.asarray(Image.open(self.dir/'done'/'grey.jpg')).astype(int), -1).max(), 1)
        rc, out, err = self.go('colorize', self.photos/'china.png', '--weights', w, '--json'); self.assertEqual((rc, json.loads(out)), (0, dict(written=[str(Path('coloured')/'china.png')], left_out=[], failed=[])), err)
        self.env['COLORGAN_WEIGHTS'] = 'gone'; self.fails(2, '$COLORGAN_WEIGHTS: no file', 'colorize', self.photos/'china.png'); del self.env['COLORGAN_WEIGHTS']; self.fails(2, 'no file', 'colorize', self.photos/'china.png', '--weights', 'none.safetensors'); self.fails(2, 'over its input', 'colorize', self.photos, '--weights', w, '--out', self.photos)

    def test_colorize_again(self):
        w = self.run_dir/'generator.safetensors'; d = self.dir/'box'; d.mkdir(); Image.open(self.photos/'grey.jpg').save(d/'a.jpg'); Image.open(self.photos/'china.png').save(d/'b.png'); (d/'c.jpg').write_bytes(b'no'); go = lambda *a: self.go('colorize', d, '--weights', w, '--json', *a)
        rc, out, err = go('--out', 'again', '--only-grey', '--compare'); o = json.loads(out); self.assertEqual(rc, 1, err); self.assertEqual([Path(f).name for f in o['written']], ['a.jpg', 'a-compare.jpg']); self.assertEqual([(Path(x['file']).name, x['why']) for x in o['left_out']], [('b.png', 'left out: has colour')]); self.assertEqual(Image.open(self.dir/'again'/'a-compare.jpg').size, (102, 40))
        rc, out, err = go('--out', 'again', '--skip-existing'); o = json.loads(out); self.assertEqual(([Path(f).name for f in o['written']], [Path(x['file']).name for x in o['left_out']], rc), (['b.png'], ['a.jpg'], 1), err); self.assertIn('left out 1: is there already 1', err); self.assertIn('1 of 3 failed', err)
        (d/'c.jpg').unlink(); was = (d/'a.jpg').read_bytes(); rc, out, err = go('--in-place', '--hint', '25,20,#c03020'); self.assertEqual(rc, 0, err); self.assertNotEqual(was, (d/'a.jpg').read_bytes()); self.assertEqual(sorted(f.name for f in d.iterdir()), ['a.jpg', 'b.png'])
        [self.fails(2, f'hint {h!r}: expected x,y', 'colorize', d, '--weights', w, '--hint', '1,1,#ff0000', '--hint', h, '--out', 'h') for h in ('5,6,#-1+2 3', '5,6,##abcdef')]; self.assertFalse((self.dir/'h').exists()); rc, out, err = go('--out', 's', '--samples', '2'); self.assertEqual(rc, 1); self.assertIn('without dropout', err); self.assertFalse((self.dir/'s').exists()); self.fails(2, '--hint and --compare: not with --samples', 'colorize', d, '--weights', w, '--samples', '2', '--compare', '--hint', '1,1,#ff0000'); (self.dir/'s0').mkdir(); self.fails(2, 'no photos in', 'colorize', self.dir/'s0', '--weights', w)
        rc, out, err = go('--out', 'small', '--max-pixels', '100'); self.assertEqual((rc, len(json.loads(out)['failed'])), (1, 2), err)

    def test_clip(self):
        import av
        w = self.run_dir/'generator.safetensors'
        def clip(name, frames):
            with av.open(str(self.dir/name), 'w') as c:
                s = c.add_stream('libx264', rate=12, options=dict(crf='8')); s.height, s.width = frames[0].shape[:2]; s.pix_fmt = 'yuv420p'
                for a in frames: [c.mux(p) for p in s.encode(av.VideoFrame.from_ndarray(a, format='rgb24'))]
                [c.mux(p) for p in s.encode()]
        clip('clip.mp4', [np.full((48, 64, 3), 60 + 20*i, np.uint8) for i in range(6)])
        rc, out, err = self.go('colorize', 'clip.mp4', '--weights', w, '--out', 'clips'); self.assertEqual(rc, 0, err); self.assertRegex(err, r'clip.mp4: 6 frames; nothing stood still')
        with av.open(str(self.dir/'clips'/'clip.mp4')) as c: self.assertEqual((sum(1 for _ in c.decode(video=0)), c.streams.video[0].width), (6, 64))
        im = np.zeros((48, 64, 3), np.uint8); im[:, :32], im[:, 32:] = (200, 30, 30), (30, 60, 200); clip('red.mp4', [im]*6)
        rc, out, err = self.go('colorize', 'clip.mp4', 'red.mp4', '--weights', w, '--only-grey', '--compare', '--out', 'grey', '--json'); self.assertEqual(rc, 0, err); o = json.loads(out); self.assertEqual(([Path(f).name for f in o['written']], [Path(x['file']).name for x in o['left_out']]), (['clip.mp4'], ['red.mp4'])); self.assertIn('without --compare', err)
        was = (self.dir/'clip.mp4').read_bytes(); rc, out, err = self.go('colorize', 'clip.mp4', '--weights', w, '--in-place'); self.assertEqual(rc, 0, err); self.assertNotEqual((self.dir/'clip.mp4').read_bytes(), was)
        with av.open(str(self.dir/'clip.mp4')) as c: self.assertEqual(sum(1 for _ in c.decode(video=0)), 6)

        still = np.asarray(Image.open(self.photos/'chelsea.png').convert('L').resize((96, 64)))[..., None].repeat(3, -1); moves = [still.copy() for _ in range(10)]
        for i, a in enumerate(moves): a[16:48, 6*i:6*i + 32] = 240
        clip('moves.mp4', moves); rc, out, err = self.go('colorize', 'moves.mp4', '--out', 'clips'); self.assertEqual(rc, 0, err); m = re.search(r'moves.mp4: 10 frames; colours flicker by ([\d.]+) units of ab a frame, ([\d.]+) without smoothing', err); self.assertTrue(m, err); self.assertTrue(0 < float(m[1]) < .8*float(m[2]), m[0])

    def test_export(self):
        import onnx
        w = self.run_dir/'generator.safetensors'; rc, out, err = self.go('export', '--weights', w, '--onnx', 'g.onnx', '--recipe', 'recipe.py', '--json'); self.assertEqual(rc, 0, err); self.assertLess(json.loads(out)['max_diff'], 1e-3); self.assertIn('L', [i.name for i in onnx.load(self.dir/'g.onnx').graph.input])
        r = subprocess.run([sys.executable, 'recipe.py', 'g.onnx', str(self.photos/'grey.jpg'), 'r.png'], cwd=self.dir, env=self.env, capture_output=True, text=True); self.assertEqual(r.returncode, 0, r.stderr); self.assertEqual(Image.open(self.dir/'r.png').size, (50, 40)); self.fails(2, 'safetensors', 'export', '--weights', self.photos/'grey.jpg')

    def test_reproduce(self):
        rc, out, err = self.go('reproduce', '--list'); self.assertEqual(rc, 0, err); self.assertIn('paper-resnet ', out); self.assertGreater(len(out.splitlines()), 25)
        rc, out, err = self.go('reproduce', 'paper-unet', '--data', self.photos, '--budget', 'smoke', '--json'); self.assertEqual(rc, 0, err); o = json.loads(out)[0]; self.assertEqual((o['experiment'], o['rows']['model']['n']), ('paper-unet', 2)); self.assertTrue((self.dir/'results'/'paper-unet-s0'/'summary.json').exists())
        self.fails(2, 'exists: a record is not overwritten', 'reproduce', 'paper-unet', '--data', self.photos, '--budget', 'smoke'); self.fails(2, 'did you mean paper-resnet', 'reproduce', 'paper-resnt'); self.fails(2, 'no folder', 'reproduce', 'paper-resnet', '--data', 'not/there')
        self.fails(2, 'no budget', 'reproduce', 'paper-resnet', '--budget', 'huge'); self.fails(2, '--list', 'reproduce'); self.fails(2, 'first run colorgan reproduce classifier-scenes', 'reproduce', 'encoder-scenes', '--data', self.photos, '--budget', 'smoke')

    def test_info(self):
        rc, out, err = self.go('info', '--json'); self.assertEqual(rc, 0, err); o = json.loads(out); self.assertEqual(o['cache'], str(self.dir/'cache')); self.assertIn('.safetensors', o['weights']); self.assertTrue(o['torch'])

    def test_demo(self):
        rc, out, err = self.go('demo', '--tiny', '--out', 'demo'); self.assertEqual(rc, 0, err); self.assertIn('model', out); self.assertIn('index.html', err); self.assertTrue((self.dir/'demo'/'index.html').exists())

if __name__ == '__main__': unittest.main()
