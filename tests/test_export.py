"Every larger generator as an ONNX graph: too slow for the notebook, where the small ones are."
import tempfile, unittest
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
