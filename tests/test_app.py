"The page as its visitors meet it: a real browser, a real upload, a real download."
import importlib.util, io, json, os, shutil, signal, socket, subprocess, sys, tempfile, threading, time, unittest, urllib.parse
from pathlib import Path
import numpy as np
from PIL import Image

browser = next(filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))), None)
why = next((s for s, ok in (('needs gradio', importlib.util.find_spec('gradio')), ('needs playwright', importlib.util.find_spec('playwright')), ('no chromium, chromium-browser or google-chrome on the PATH', browser)) if not ok), '')
flags = '--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync'.split()
exif = {270: 'Chelsea in the garden', 271: 'Box', 306: '1948:05:01 12:00:00'}

def chroma(a): return np.ptp(np.asarray(a).astype(int), -1).mean()

def lightness(im):
    import torch
    from colorgan.color import rgb2lab
    return rgb2lab(torch.from_numpy(np.asarray(im.convert('RGB')).transpose(2, 0, 1).copy()))[0]

class Base(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        import tifffile, torch
        from skimage import data
        from colorgan.core import Settings
        from colorgan.generator import make_generator, save_weights
        cls.dir = Path(tempfile.mkdtemp()); (cls.dir/'tmp').mkdir(); cls.photos = cls.dir/'photos'; cls.photos.mkdir(); torch.manual_seed(0); save_weights(cls.dir/'toy.safetensors', make_generator(Settings(generator='unet', size=64, nf=16)), run='toy', size=64)
        ex = Image.Exif(); ex.update(exif); ex.get_ifd(0x8769)[36867] = exif[306]; grey = Image.fromarray(data.chelsea()).convert('L'); grey.save(cls.photos/'Großmutters Katze.jpg', exif=ex, quality=95, dpi=(300, 300)); small = np.asarray(grey.resize((90, 60)))
        tifffile.imwrite(cls.photos/'deep.tif', small.astype(np.uint16)[..., None].repeat(3, -1)*257, photometric='rgb'); Image.fromarray(data.chelsea()).resize((90, 60)).convert('CMYK').save(cls.photos/'press.jpg')
        (cls.photos/'notes.jpg').write_text('<b>not a photo</b>'); (cls.photos/'big.jpg').write_bytes(bytes(1_200_000))

    @classmethod
    def tearDownClass(cls): shutil.rmtree(cls.dir, ignore_errors=True)

    @classmethod
    def serve(cls, command=(), **kw):
        "A server of its own process, through `launch` or the command: (process, address)."
        env = dict(os.environ, TMPDIR=str(cls.dir/'tmp'), PYTHONPATH=os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get('PYTHONPATH', '')]), PYTHONWARNINGS='ignore', COLORGAN_OFFLINE='1', HOME=str(cls.dir))
        p = subprocess.Popen([sys.executable, '-c', 'import signal; signal.signal(signal.SIGINT, signal.default_int_handler); ' + ('from colorgan.cli import main; main()' if command else f'from colorgan.app import launch; launch({str(cls.dir/"toy.safetensors")!r}, port=0, max_mb=1, device="cpu", **{kw!r})'), *command], env=env, cwd=cls.dir, stdout=subprocess.PIPE, stderr=(cls.dir/'err').open('w'), text=True, start_new_session=True)
        late = threading.Timer(180, p.kill); late.start(); line = p.stdout.readline(); late.cancel()
        if not line.startswith('http://127.0.0.1:'): p.kill(); raise AssertionError((line, (cls.dir/'err').read_text()))
        return p, line.split()[0]

    @classmethod
    def end(cls, p, sig=signal.SIGINT):
        "Ctrl-C, or wait for what has been told already."
        if sig and p.poll() is None: p.send_signal(sig)
        try: p.wait(30)
        except subprocess.TimeoutExpired: p.kill(); raise
        finally: p.stdout.close()
        return p.returncode

    def status(self, url, **kw):
        import httpx
        return httpx.request(kw.pop('method', 'GET'), url, trust_env=False, timeout=30, **kw)

@unittest.skipIf(importlib.util.find_spec('gradio') is None, 'needs gradio')
class Server(Base):
    def ask(self, url, path):
        "What the queue answers to who names a file that was not uploaded."
        q = dict(data=[dict(path=path, meta=dict(_type='gradio.FileData')), 64, 1, None], fn_index=0, session_hash='stranger'); self.assertEqual(self.status(url + '/gradio_api/queue/join', method='POST', json=q).status_code, 200)
        events = [json.loads(l[6:]) for l in self.status(url + '/gradio_api/queue/data?session_hash=stranger').text.splitlines() if l.startswith('data: ')]; e = next(e for e in events if e['msg'] == 'process_completed')
        return [e['success'], e['output'].get('error')]

    def test_end(self):
        p, url = self.serve(keep=2)
        try:
            f = self.photos/'Großmutters Katze.jpg'; up = Path(self.status(url + '/gradio_api/upload', method='POST', files=dict(files=(f.name, f.read_bytes()))).json()[0]); self.assertEqual(up.read_bytes(), f.read_bytes()); self.assertTrue(up.is_relative_to(self.dir/'tmp')); self.assertEqual(list((self.dir/'tmp').glob('colorgan-*'))[0].stat().st_mode & 0o77, 0)
            for _ in range(100):
                if not up.exists(): break
                time.sleep(.1)
            self.assertFalse(up.exists(), 'an old upload is still there'); self.assertEqual(self.status(f'{url}/gradio_api/file={up}').status_code, 403); self.assertEqual(self.status(url).status_code, 200)
            self.assertEqual(self.ask(url, 'https://elsewhere.example/a.jpg'), [False, 'only a file that was uploaded']); self.assertEqual((self.dir/'err').read_text(), ''); self.assertEqual(self.ask(url, '/etc/passwd'), [False, None])
        finally: rc = self.end(p)
        self.assertEqual(rc, 0); self.assertIn('not uploaded by a user', (self.dir/'err').read_text()); self.assertEqual(list((self.dir/'tmp').glob('colorgan-*')), [])

    def test_command(self):
        for sig, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            with socket.create_server(('127.0.0.1', 0)) as s: port = s.getsockname()[1]
            p, url = self.serve(['app', '--weights', str(self.dir/'toy.safetensors'), '--port', str(port), '--device', 'cpu'])
            try:
                self.assertEqual((url, self.status(url).status_code), (f'http://127.0.0.1:{port}', 200)); self.assertIn('colorgan', self.status(url).text)
                with self.assertRaises(OSError, msg='it listens at every address'): socket.create_connection(('127.0.0.2', port), 2).close()
            finally:
                if p.poll() is None: p.send_signal(sig)
                rc = self.end(p, None)
            with self.assertRaises(OSError): socket.create_connection(('127.0.0.1', port), 2).close()
            self.assertEqual((rc, (self.dir/'err').read_text().replace('colorgan: stopped\n', ''), [f for f in (self.dir/'tmp').rglob('*') if f.is_file() or f.name.startswith('colorgan-')]), (code, '', []))

@unittest.skipIf(why, why)
class Page(Base):
    @classmethod
    def setUpClass(cls):
        super().setUpClass(); cls.server, cls.url = cls.serve(); from playwright.sync_api import sync_playwright
        try: cls.play = sync_playwright().start(); cls.browser = cls.play.chromium.launch(executable_path=browser, args=flags)
        except BaseException: cls.end(cls.server); raise

    @classmethod
    def tearDownClass(cls):
        "The page of one visitor is still open when the server is stopped."
        pg = cls.browser.new_page(); pg.goto(cls.url); rc = cls.end(cls.server); err = (cls.dir/'err').read_text(); left = list((cls.dir/'tmp').glob('colorgan-*')); cls.browser.close(); cls.play.stop(); super().tearDownClass()
        assert (rc, err, left) == (0, '', []), (rc, err, left)

    def setUp(self): self.asked, self.contexts = [], []
    def tearDown(self):
        for c in self.contexts: c.close()
        self.assertLess(10, len(self.asked)); self.assertEqual({u.netloc for u in map(urllib.parse.urlsplit, self.asked) if u.scheme not in ('data', 'blob')}, {urllib.parse.urlsplit(self.url).netloc}, 'the page asked someone else')

    def visit(self):
        c = self.browser.new_context(viewport=dict(width=1200, height=1150), accept_downloads=True); self.contexts.append(c); c.on('request', lambda r: self.asked.append(r.url)); pg = c.new_page(); pg.on('pageerror', lambda e: self.fail(f'script error: {e}')); pg.set_default_timeout(60_000)
        pg.goto(self.url); pg.wait_for_selector('#drop input[type=file]', state='attached'); return pg

    def put(self, pg, name, wait='#seen img >> nth=1'):
        if (b := pg.locator('#drop .file-preview')).count(): pg.click('#drop button[aria-label="Clear"]'); b.wait_for(state='detached'); self.until(lambda: pg.inner_text('#said') == '', 'an old message stays')
        pg.set_input_files('#drop input[type=file]', self.photos/name); pg.wait_for_selector(wait)

    def pictures(self, pg):
        "Before and after, as the browser has them."
        return [Image.open(io.BytesIO(pg.request.get(i.get_attribute('src')).body())).convert('RGB') for i in pg.locator('#seen img').all()]

    def until(self, ok, what):
        for _ in range(200):
            if ok(): return
            time.sleep(.1)
        self.fail(what)

    def test_photo(self):
        pg = self.visit(); self.assertTrue(pg.locator('#save').is_disabled()); self.put(pg, f := 'Großmutters Katze.jpg'); self.assertIn(f'{f}, 451 × 300 pixels', pg.inner_text('#said')); src = lambda: pg.locator('#seen img').nth(1).get_attribute('src')
        self.assertEqual(pg.locator('#seen img').nth(1).evaluate('i => [i.complete, i.naturalWidth, i.naturalHeight]'), [True, 451, 300]); before, after = self.pictures(pg); self.assertLess(chroma(before), 1); self.assertGreater(chroma(after), 2)
        was = src(); pg.fill('#saturation input[type=number]', '0'); self.until(lambda: src() != was, 'saturation does nothing'); self.until(lambda: chroma(self.pictures(pg)[1]) < 1.5, 'no grey at saturation 0')
        pg.fill('#saturation input[type=number]', '2'); self.until(lambda: chroma(self.pictures(pg)[1]) > 1.4*chroma(after), 'no more colour at saturation 2')
        with pg.expect_download() as d: pg.click('#save')
        d.value.save_as(self.dir/'got.jpg'); self.assertEqual(d.value.suggested_filename, f); old, new = Image.open(self.photos/f), Image.open(self.dir/'got.jpg'); got = new.getexif()
        self.assertEqual((new.size, new.format, new.mode, new.info['dpi']), (old.size, 'JPEG', 'RGB', (300, 300))); self.assertEqual({k: got.get(k) for k in exif}, exif); self.assertEqual(got.get_ifd(0x8769)[36867], exif[306])
        self.assertGreater(chroma(new), 1.4*chroma(after)); self.assertLess((lightness(new) - lightness(old)).abs().mean(), .8); pg.wait_for_selector('#said :text("at its full size")')
        if shot := os.environ.get('COLORGAN_SCREENSHOT'): pg.screenshot(path=shot, full_page=True)

    def test_working_size(self):
        pg = self.visit(); self.put(pg, 'Großmutters Katze.jpg'); a = np.asarray(self.pictures(pg)[1]).astype(int); pg.fill('#working input[type=number]', '192'); self.until(lambda: np.abs(np.asarray(self.pictures(pg)[1]) - a).mean() > .5, 'the working size does nothing')

    def test_refused(self):
        pg = self.visit(); self.put(pg, 'notes.jpg', '#said .bad'); self.assertEqual(pg.inner_text('#said'), 'notes.jpg: not an image'); self.assertTrue(pg.locator('#save').is_disabled()); self.assertFalse(pg.locator('#seen').is_visible())
        self.put(pg, 'big.jpg', '#large p:visible'); self.assertEqual(pg.inner_text('#large'), 'big.jpg: 1.1 MB are more than the limit of 1 MB'); self.assertEqual(pg.inner_text('#said'), ''); self.assertFalse(any('/upload?' in u for u in self.asked[-3:]))
        self.assertEqual(self.status(self.url + '/gradio_api/upload', method='POST', files=dict(files=('big.jpg', (self.photos/'big.jpg').read_bytes()))).status_code, 413)
        self.put(pg, 'Großmutters Katze.jpg'); self.assertFalse(pg.locator('#large p').is_visible()); self.assertEqual((self.dir/'err').read_text(), '')

    def test_deep_and_press(self):
        pg = self.visit()
        for f, mode in (('deep.tif', 'uint16'), ('press.jpg', 'uint8')):
            self.put(pg, f); pg.wait_for_selector(f'#said :text("{f}, 90 × 60")')
            with pg.expect_download() as d: pg.click('#save')
            d.value.save_as(self.dir/f); from colorgan.photo import read_photo
            rgb = read_photo(self.dir/f).rgb; self.assertEqual((rgb.shape, rgb.dtype, d.value.suggested_filename), ((60, 90, 3), mode, f)); self.assertGreater(chroma(rgb), 2)

    def test_strangers(self):
        a, b = self.visit(), self.visit(); self.put(a, 'Großmutters Katze.jpg'); self.assertEqual((b.locator('#seen img').count(), b.inner_text('#said'), b.locator('#save').is_disabled()), (0, '', True)); self.put(b, 'press.jpg')
        self.assertIn('451', a.inner_text('#said')); self.assertIn('90', b.inner_text('#said')); self.assertEqual([p.size for p in self.pictures(a)], [(451, 300)]*2); self.assertEqual([p.size for p in self.pictures(b)], [(90, 60)]*2)
        folder = urllib.parse.unquote(a.locator('#seen img').nth(0).get_attribute('src')).split('/file=')[1].rsplit('/', 2)[0]
        for f in ('/etc/passwd', str(Path(__file__).resolve()), str(self.dir/'toy.safetensors'), folder, folder + '/../../toy.safetensors', 'https://elsewhere.example/a.jpg'): self.assertIn(self.status(f'{self.url}/gradio_api/file={f}').status_code, (403, 404), f)
        self.assertEqual(self.status(self.url, headers=dict(host='elsewhere.example')).status_code, 403)

    def chosen(self, pg, button, tries=3):
        "The file chooser that Enter on a button opens. A page that is still settling on a busy machine may swallow the first key."
        from playwright.sync_api import TimeoutError
        for i in range(tries):
            try:
                with pg.expect_file_chooser(timeout=20_000) as c: pg.press(button, 'Enter')
                return c
            except TimeoutError:
                if i == tries - 1: raise

    def test_keyboard(self):
        pg = self.visit(); seen = []
        for _ in range(12): pg.keyboard.press('Tab'); seen.append(pg.evaluate('document.activeElement.getAttribute("aria-label") || document.activeElement.innerText'))
        self.assertTrue({'Click to upload or drop files', 'range slider for Saturation', 'range slider for Working size'} <= set(seen), seen)
        c = self.chosen(pg, '#drop button[aria-label^="Click to upload"]')
        c.value.set_files(self.photos/'press.jpg'); pg.wait_for_selector('#seen img >> nth=1'); pg.focus('#saturation input[type=range]'); pg.keyboard.press('Home'); self.until(lambda: chroma(self.pictures(pg)[1]) < 1.5, 'Home does not take the colours away')
        pg.keyboard.press('End'); pg.focus('#save')
        with pg.expect_download() as d: pg.keyboard.press('Enter')
        self.assertEqual(d.value.suggested_filename, 'press.jpg'); self.assertEqual(pg.locator('button:visible, input:visible').evaluate_all('es => es.filter(e => !(e.getAttribute("aria-label") || e.labels?.length || e.innerText.trim())).map(e => e.outerHTML)'), [])

if __name__ == '__main__': unittest.main()
