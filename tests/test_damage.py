"Damaged files, thirty of each kind, made from photographs, through `colorgan colorize`: a line each, nothing half written, the rest coloured."
import io, json, os, random, re, shutil, struct, subprocess, sys, tempfile, unittest, zlib
from pathlib import Path
import numpy as np
from PIL import Image

N = 30

def encoded(kind, a, **kw): b = io.BytesIO(); Image.fromarray(a).save(b, kind, **kw); return b.getvalue()

def lying_png(w, h): c = lambda k, d: struct.pack('>I', len(d)) + k + d + struct.pack('>I', zlib.crc32(k + d)); return b'\x89PNG\r\n\x1a\n' + c(b'IHDR', struct.pack('>IIBBBBB', w, h, 8, 0, 0, 0, 0)) + c(b'IDAT', zlib.compress(bytes(1000))) + c(b'IEND', b'')

class Damage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        import tifffile
        from colorgan.core import Settings
        from colorgan.data import get_source
        from colorgan.generator import make_generator, save_weights
        cls.dir = Path(tempfile.mkdtemp()); cls.src, cls.out = cls.dir/'in', cls.dir/'out'; rng, rnd = np.random.default_rng(0), random.Random(0); src = get_source('skimage'); real = [Image.fromarray(src.read(i)) for i in range(len(src))]; kinds = [('jpg', 'JPEG', {}), ('png', 'PNG', {}), ('webp', 'WEBP', {}), ('tif', 'TIFF', dict(compression='tiff_lzw')), ('bmp', 'BMP', {})]
        def put(folder, name, data): (cls.src/folder).mkdir(parents=True, exist_ok=True); (cls.src/folder/name).write_bytes(data)
        for i in range(N):
            im = real[i % len(real)]; w, h = im.size; x, y = rng.random(2)*.3; a = im.crop((int(x*w), int(y*h), int((x + .7)*w), int((y + .7)*h))).resize((96, 80), Image.LANCZOS); a = np.asarray(a.convert('L') if i % 2 else a); ext, fmt, kw = kinds[i % len(kinds)]; whole = encoded(fmt, a, **kw); flipped = bytearray(whole)
            for _ in range(1 + i//3): flipped[rnd.randrange(len(flipped))] ^= 1 << rnd.randrange(8)
            put('truncated', f'{i}.{ext}', whole[:int(len(whole)*(.05 + .85*i/N))]); put('flipped', f'{i}.{ext}', bytes(flipped)); put('extension', f'{i}.{ext}', [b'a text, not a photo', b'%PDF-1.4 x', b'PK\3\4zip', b'\0'*64][i % 4]); put('empty', f'{i}.{ext}', b'')
            put('bomb', f'{i}.png', lying_png(30_000 + i, 30_000)); huge = bytearray(encoded('BMP', a)); huge[18:26] = struct.pack('<ii', 60_000 + i, 60_000); put('huge', f'{i}.bmp', bytes(huge))
            f = np.asarray(Image.fromarray(a).convert('RGB')).astype(np.float32)/255; f[i % 80, i, i % 3] = [np.nan, np.inf, -np.inf][i % 3]; b = io.BytesIO(); tifffile.imwrite(b, f, photometric='rgb'); put('nan', f'{i}.tif', b.getvalue())
            (cls.src/'loop').mkdir(exist_ok=True); (cls.src/'loop'/f'{i}.jpg').symlink_to(f'{i}.jpg'); put('target', f'{i}.jpg', encoded('JPEG', a)); put('eps', f'{i}.{ext}', encoded('EPS', a)); (cls.src/'pipe').mkdir(exist_ok=True); os.mkfifo(cls.src/'pipe'/f'{i}.jpg') if i % 2 else (cls.src/'pipe'/f'{i}.jpg').symlink_to('/dev/zero'); (cls.out/'target'/f'{i}.jpg'/'in the way').mkdir(parents=True); put('good', f'{i}.{ext}', whole)
        save_weights(cls.dir/'g.safetensors', make_generator(Settings(generator='unet', size=32, nf=8)), size=32, run='toy')
        env = dict(os.environ, COLORGAN_OFFLINE='1', PYTHONWARNINGS='default', OMP_NUM_THREADS='1'); r = subprocess.run([sys.executable, '-m', 'colorgan.cli', 'colorize', str(cls.src), '--out', str(cls.out), '--weights', str(cls.dir/'g.safetensors'), '--json'], env=env, capture_output=True, text=True, timeout=300)
        cls.code, cls.err, cls.rep = r.returncode, r.stderr, json.loads(r.stdout or '{}')

    @classmethod
    def tearDownClass(cls): shutil.rmtree(cls.dir, ignore_errors=True)

    def test_end(self): self.assertEqual(self.code, 1, self.err[-2000:]); self.assertNotIn('Traceback', self.err); self.assertNotIn('Warning', self.err); self.assertEqual(sum(l.startswith('failed: ') for l in self.err.splitlines()), len(self.rep['failed']))

    def test_kinds(self):
        bad = {str(Path(o['file']).relative_to(self.src)): o['why'] for o in self.rep['failed']}; by = {}
        for f in bad: by.setdefault(f.split('/')[0], []).append(f)
        for k in ('truncated', 'extension', 'empty', 'bomb', 'huge', 'nan', 'loop', 'target', 'eps', 'pipe'): self.assertEqual(len(by[k]), N, k)
        self.assertNotIn('good', by); self.assertLess(5, len(by['flipped']), 'thirty files with bits flipped, and hardly one noticed')
        for f, why in bad.items(): self.assertEqual(len(why.splitlines()), 1, why); self.assertIn(Path(f).name, why); self.assertLess(len(why), 200)
        for k, text in dict(extension='not an image', empty='is empty', bomb='more than the limit', huge='more than the limit', nan='not numbers', eps='EPS is not read here', pipe='is not a regular file').items(): self.assertTrue(all(text in bad[f] for f in by[k]), [bad[f] for f in by[k] if text not in bad[f]][:3])

    def test_nothing_half(self):
        files = [p for p in self.out.rglob('*') if p.is_file()]; self.assertEqual({str(p) for p in files}, set(self.rep['written'])); self.assertFalse([p for p in self.out.rglob('.*')]); self.assertEqual(sum('/good/' in f for f in self.rep['written']), N)
        for p in files:
            with Image.open(p) as im: im.load(); self.assertEqual(im.mode, 'RGB')

if __name__ == '__main__': unittest.main()
