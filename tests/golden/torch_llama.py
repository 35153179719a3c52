"""A plain Llama 2 in PyTorch, for the goldens of training. Run by hand; the tests need no PyTorch."""
import math

import torch
import torch.nn.functional as F

LAYER = ["attention_norm", "wq", "wk", "wv", "wo", "ffn_norm", "w1", "w2", "w3"]


def tensor_shapes(shape):
    """(kind, layer, rows, cols) in the order of the library's for_each_tensor; vectors have a row."""
    dim, hidden, layers, heads, kv_heads, vocab, tied = shape
    kv = dim // heads * kv_heads
    extents = {"attention_norm": (1, dim), "wq": (dim, dim), "wk": (kv, dim), "wv": (kv, dim),
               "wo": (dim, dim), "ffn_norm": (1, dim), "w1": (hidden, dim), "w2": (dim, hidden),
               "w3": (hidden, dim)}
    yield "token_embedding", 0, vocab, dim
    for layer in range(layers):
        for kind in LAYER:
            yield (kind, layer, *extents[kind])
    yield "norm", 0, 1, dim
    if not tied:
        yield "output", 0, vocab, dim


class Llama:
    """`shape` is (dim, hidden, layers, heads, kv_heads, vocab, tied); `values(kind, layer, rows,
    cols)` gives a tensor's numbers."""

    def __init__(self, shape, values, epsilon=1e-5, theta=10000.0, dtype=torch.float32):
        self.shape, self.epsilon = shape, epsilon
        self.tensors = {}
        for kind, layer, rows, cols in tensor_shapes(shape):
            tensor = torch.as_tensor(values(kind, layer, rows, cols)).to(dtype).clone()
            if rows == 1:
                tensor = tensor.reshape(cols)
            self.tensors[kind, layer] = tensor.requires_grad_()
        size = shape[0] // shape[3]
        self.frequencies = theta ** (-torch.arange(0, size, 2, dtype=torch.float64) / size)
        self.dtype = dtype

    def groups(self, weight_decay):
        """For torch.optim.AdamW: matrices decay, gains do not."""
        return [{"params": [t for t in self.tensors.values() if t.dim() > 1],
                 "weight_decay": weight_decay},
                {"params": [t for t in self.tensors.values() if t.dim() == 1],
                 "weight_decay": 0.0}]

    def norm(self, x, gain):
        return x * torch.rsqrt((x * x).mean(-1, keepdim=True) + self.epsilon) * gain

    def logits(self, ids):
        """ids (batch, length) -> (batch, length, vocab)."""
        dim, hidden, layers, heads, kv_heads, vocab, tied = self.shape
        size = dim // heads
        batch, length = ids.shape
        angles = torch.outer(torch.arange(length, dtype=torch.float64), self.frequencies)
        cos, sin = torch.cos(angles).to(self.dtype), torch.sin(angles).to(self.dtype)

        def rotate(v):  # (batch, length, heads, size), interleaved pairs
            pairs = v.reshape(batch, length, -1, size // 2, 2)
            a, b = pairs[..., 0], pairs[..., 1]
            c, s = cos[None, :, None, :], sin[None, :, None, :]
            return torch.stack([a * c - b * s, a * s + b * c], -1).reshape(v.shape)

        mask = torch.full((length, length), -math.inf, dtype=self.dtype).triu(1)
        x = F.embedding(ids, self.tensors["token_embedding", 0])
        for layer in range(layers):
            def w(kind):
                return self.tensors[kind, layer]
            h = self.norm(x, w("attention_norm"))
            q = rotate((h @ w("wq").T).view(batch, length, heads, size))
            k = rotate((h @ w("wk").T).view(batch, length, kv_heads, size))
            v = (h @ w("wv").T).view(batch, length, kv_heads, size)
            k = k.repeat_interleave(heads // kv_heads, 2)
            v = v.repeat_interleave(heads // kv_heads, 2)
            q, k, v = (t.transpose(1, 2) for t in (q, k, v))
            scores = q @ k.transpose(2, 3) / math.sqrt(size) + mask
            attended = torch.softmax(scores, -1) @ v
            x = x + attended.transpose(1, 2).reshape(batch, length, dim) @ w("wo").T
            h = self.norm(x, w("ffn_norm"))
            x = x + (F.silu(h @ w("w1").T) * (h @ w("w3").T)) @ w("w2").T
        head = self.tensors["token_embedding" if tied else "output", 0]
        return self.norm(x, self.tensors["norm", 0]) @ head.T

    def loss(self, inputs, targets):
        """The mean negative log-probability of the targets."""
        return F.cross_entropy(self.logits(inputs).flatten(0, 1), targets.flatten())


def cosine(step, peak, warmup, steps, final_share=0.1):
    """The library's schedule; the first step is 1."""
    if step < warmup:
        return peak * step / warmup
    done = min(1.0, (step - warmup) / (steps - warmup))
    return peak * (final_share + (1 - final_share) * 0.5 * (1 + math.cos(math.pi * done)))
