"The command line as its users meet it: every verb, in processes of its own."
import json, os, shutil, signal, subprocess, sys, tempfile, time, unittest
from pathlib import Path
import numpy as np
from PIL import Image

SETS = 'generator=unet nf=8 size=32 patch=16 bs=4 pretrain_steps=30 gan_steps=30 log_every=5 save_every=10 sample_every=30 precision=fp32 device=cpu n_valid=2 resize=crop crops=4'.split()

class Command(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = Path(tempfile.mkdtemp()); cls.env = dict(os.environ, COLORGAN_CACHE=str(cls.dir/'cache'), COLORGAN_OFFLINE='1', PYTHONWARNINGS='ignore'); cls.env.pop('COLORGAN_WEIGHTS', None)
        from colorgan.data import get_source
        src = get_source('skimage'); cls.photos = cls.dir/'photos'; cls.photos.mkdir()
        for i, n in enumerate(src.names): Image.fromarray(src.read(i)).resize((90, 70)).save(cls.photos/f'{Path(n).stem}.png')
        Image.new('L', (50, 40), 128).save(cls.photos/'grey.jpg'); (cls.photos/'broken.jpg').write_bytes(b'\xff\xd8\xff not a photo'); cls.run_dir = cls.dir/'run'
        cls.trained = cls.go('train', '--data', cls.photos, '--out', cls.run_dir, *sum((['--set', s] for s in SETS), []))

    @classmethod
    def tearDownClass(cls): shutil.rmtree(cls.dir, ignore_errors=True)

    @classmethod
    def start(cls, *a): return subprocess.Popen([sys.executable, '-m', 'colorgan.cli', *map(str, a)], env=cls.env, cwd=cls.dir, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    @classmethod
    def go(cls, *a): p = cls.start(*a); out, err = p.communicate(timeout=300); return p.returncode, out, err

    def fails(self, code, text, *a):
        rc, out, err = self.go(*a); self.assertEqual((rc, out), (code, ''), err); self.assertIn(text, err); self.assertNotIn('Traceback', err); return err

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
        rc, out, err = self.go('colorize', self.photos, '--weights', w, '--out', 'done', '--saturation', '2'); self.assertEqual(rc, 1, err); self.assertIn(f"failed: {self.photos/'broken.jpg'}: ", err); self.assertEqual(len(out.split()), 9)
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
        self.fails(2, 'expected x,y', 'colorize', d, '--weights', w, '--hint', 'red'); rc, out, err = go('--out', 's', '--samples', '2'); self.assertEqual(rc, 1); self.assertIn('without dropout', err); self.assertFalse((self.dir/'s').exists()); self.fails(2, '--hint and --compare: not with --samples', 'colorize', d, '--weights', w, '--samples', '2', '--compare', '--hint', '1,1,#ff0000'); (self.dir/'s0').mkdir(); self.fails(2, 'no photos in', 'colorize', self.dir/'s0', '--weights', w)
        rc, out, err = go('--out', 'small', '--max-pixels', '100'); self.assertEqual((rc, len(json.loads(out)['failed'])), (1, 2), err)

    def test_clip(self):
        import av
        w = self.run_dir/'generator.safetensors'
        with av.open(str(self.dir/'clip.mp4'), 'w') as c:
            s = c.add_stream('libx264', rate=12); s.width, s.height, s.pix_fmt = 64, 48, 'yuv420p'
            for i in range(6): [c.mux(p) for p in s.encode(av.VideoFrame.from_ndarray(np.full((48, 64, 3), 60 + 20*i, np.uint8), format='rgb24'))]
            [c.mux(p) for p in s.encode()]
        rc, out, err = self.go('colorize', 'clip.mp4', '--weights', w, '--out', 'clips'); self.assertEqual(rc, 0, err); self.assertRegex(err, r'clip.mp4: 6 frames; (colours flicker by [\d.]+ units|nothing stood still)')
        with av.open(str(self.dir/'clips'/'clip.mp4')) as c: self.assertEqual((sum(1 for _ in c.decode(video=0)), c.streams.video[0].width), (6, 64))
        with av.open(str(self.dir/'red.mp4'), 'w') as c:
            s = c.add_stream('libx264', rate=12); s.width, s.height, s.pix_fmt = 64, 48, 'yuv420p'; im = np.zeros((48, 64, 3), np.uint8); im[:, :32], im[:, 32:] = (200, 30, 30), (30, 60, 200)
            for _ in range(6): [c.mux(p) for p in s.encode(av.VideoFrame.from_ndarray(im, format='rgb24'))]
            [c.mux(p) for p in s.encode()]
        rc, out, err = self.go('colorize', 'clip.mp4', 'red.mp4', '--weights', w, '--only-grey', '--compare', '--out', 'grey', '--json'); self.assertEqual(rc, 0, err); o = json.loads(out); self.assertEqual(([Path(f).name for f in o['written']], [Path(x['file']).name for x in o['left_out']]), (['clip.mp4'], ['red.mp4'])); self.assertIn('without --compare', err)
        was = (self.dir/'clip.mp4').read_bytes(); rc, out, err = self.go('colorize', 'clip.mp4', '--weights', w, '--in-place'); self.assertEqual(rc, 0, err); self.assertNotEqual((self.dir/'clip.mp4').read_bytes(), was)
        with av.open(str(self.dir/'clip.mp4')) as c: self.assertEqual(sum(1 for _ in c.decode(video=0)), 6)

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
