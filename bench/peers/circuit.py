"""The cortical microcircuit with latent equilibrium in PyTorch, operation by operation, as plain PyTorch goes: softplus
rates, patterns side by side, weights that change in every step."""

import torch
import torch.nn.functional as F


class Circuit:
    """A network at rest with its patterns. run shows them for a presentation."""

    def __init__(self, arrays, how):
        self.how, self.layers = how, how["layers"]
        self.x, self.goal = (torch.from_numpy(arrays[k].copy()) for k in ("x", "goal"))
        self.w = [{k: torch.from_numpy(arrays[f"before.layer{l + 1}.{k}"].copy()) for k in ("weight", "down", "pi", "ip")
                   if f"before.layer{l + 1}.{k}" in arrays} for l in range(self.layers)]
        self.after = {k[6:]: torch.from_numpy(v.copy()) for k, v in arrays.items() if k.startswith("after.")}
        self.before = {k[7:]: torch.from_numpy(v.copy()) for k, v in arrays.items() if k.startswith("before.")}
        n = len(self.x)
        self.u = [torch.zeros(n, len(w["weight"])) for w in self.w]
        self.r = [F.softplus(u) for u in self.u]
        self.ui = [torch.zeros(n, len(w["ip"])) for w in self.w[:-1]]
        self.ri = [F.softplus(u) for u in self.ui]

    @torch.no_grad()
    def run(self):
        h, last = self.how, self.layers - 1
        dt, rate = h["dt"], h["rate"] / h["steps"] / len(self.x)
        hidden, inter = h["leak"] + h["basal"] + h["apical"], h["leak"] + h["dend"] + h["som"]
        for _ in range(h["steps"]):
            below = [self.x] + self.r[:-1]
            basal = [torch.mm(below[l], w["weight"].t()) for l, w in enumerate(self.w)]
            ahead, heading = [], []
            for l in range(last):
                w = self.w[l]
                apical = torch.addmm(torch.mm(self.r[l + 1], w["down"].t()), self.ri[l], w["pi"].t())
                i = h["basal"] * basal[l] + h["apical"] * apical
                ahead.append(i / hidden)
                self.u[l].add_(i - hidden * self.u[l], alpha=dt)
            i = h["basal"] * basal[last] + h["som"] * self.goal
            total = h["leak"] + h["basal"] + h["som"]
            ahead.append(i / total)
            self.u[last].add_(i - total * self.u[last], alpha=dt)
            dend = [torch.mm(self.r[l], self.w[l]["ip"].t()) for l in range(last)]
            for l in range(last):
                i = h["dend"] * dend[l] + h["som"] * ahead[l + 1]
                heading.append(i / inter)
                self.ui[l].add_(i - inter * self.ui[l], alpha=dt)
            r = [F.softplus(a) for a in ahead]
            ri = [F.softplus(a) for a in heading]
            for l, w in enumerate(self.w):
                part = h["basal"] / (hidden if l < last else h["leak"] + h["basal"])
                w["weight"].addmm_((r[l] - F.softplus(part * basal[l])).t(), below[l], alpha=rate)
                if l < last:
                    e = ri[l] - F.softplus(h["dend"] / (h["leak"] + h["dend"]) * dend[l])
                    w["ip"].addmm_(e.t(), self.r[l], alpha=rate)
            self.r, self.ri = r, ri

    def gate(self):
        """Returns the largest difference of weights after the first presentation, in the largest weight of their matrix."""
        self.run()
        worst = 0.0
        for l, w in enumerate(self.w):
            for k, v in w.items():
                want = self.after[f"layer{l + 1}.{k}"]
                worst = max(worst, ((v - want).abs().max() / want.abs().max()).item())
        return worst
