"Every larger generator as an ONNX graph: too slow for the notebook, where the small ones are. And the command, when no name is given."
import os, subprocess, sys, tempfile, unittest
from pathlib import Path
import torch
from colorgan.core import Settings, seed_everything
from colorgan.export import export_onnx, onnx_difference
from colorgan.generator import load_weights, make_generator, save_weights

class Kinds(unittest.TestCase):
    def go(self, kind, output, **kw):
        seed_everything(0); G = make_generator(Settings(generator=kind, output=output, encoder='none', size=64, nf=8, **kw)).train(); G(torch.rand(4, 1, 64, 64)*2 - 1)
        with tempfile.TemporaryDirectory() as d:
            w, o = Path(d)/'g.safetensors', Path(d)/'g.onnx'; save_weights(w, G, size=64); r = export_onnx(w, o); self.assertLess(r['max_diff'], 1e-4)
            self.assertEqual(r['outputs'], ['ab', 'lightness'] if output == 'lab' else ['ab']); self.assertEqual(sorted(p.name for p in Path(d).iterdir()), ['g.onnx', 'g.safetensors'])
            self.assertLess(max(q['diff'] for q in onnx_difference(o, load_weights(w), [(1, 1, 97, 31), (3, 1, 32, 96), (1, 1, 250, 333)])), 1e-4)

    def test_resnet18(self): self.go('resnet18', 'ab')
    def test_resnet18_blur(self): self.go('resnet18', 'bins', blur=True, dropout=.2)
    def test_lean(self): self.go('lean', 'bins', dropout=.2)
    def test_nazeri(self): self.go('nazeri', 'lab')
    def test_unet(self): self.go('unet', 'bins')

class Unnamed(unittest.TestCase):
    def test_file(self):
        "`--onnx` without a file, at the end and before another option."
        with tempfile.TemporaryDirectory() as d:
            d = Path(d); seed_everything(0); save_weights(d/'w.safetensors', make_generator(Settings(generator='unet', size=32, nf=8)), size=32); f = d/'generator.onnx'
            go = lambda *a: subprocess.run([sys.executable, '-m', 'colorgan.cli', 'export', *a], cwd=d, env=dict(os.environ, PYTHONPATH=os.pathsep.join([str(Path(__file__).resolve().parent.parent), os.environ.get('PYTHONPATH', '')]), PYTHONWARNINGS='ignore'), capture_output=True, text=True)
            r = go('--onnx', '--weights', 'gone.safetensors'); self.assertEqual((r.returncode, r.stderr), (2, 'colorgan: --weights: no file gone.safetensors\n')); r = go('--weights', 'w.safetensors', '--onnx')
            self.assertEqual((r.returncode, r.stdout[:16]), (0, 'generator.onnx: '), r.stderr); self.assertEqual(sorted(p.name for p in d.iterdir()), ['generator.onnx', 'w.safetensors']); self.assertLess(max(q['diff'] for q in onnx_difference(f, load_weights(d/'w.safetensors'), [(1, 1, 61, 33)])), 1e-4)
