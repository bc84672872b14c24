// Replaces the drawn curve by one that can be pointed at. The data are the rows of the table below it: what is
// drawn is what is listed. Without this file, or without the library, the drawn curve stays.

const DAY = 86400;
const place = document.getElementById("chart");
const table = document.getElementById("values");
if (place && table && window.uPlot) draw();

function draw() {
  const decimals = Number(place.dataset.decimals);
  const rows = [...table.tBodies[0].rows].reverse().map((row) => ({
    at: Date.parse(row.dataset.ts) / 1000,
    value: row.dataset.value === "" ? null : Number(row.dataset.value),
    out: "leftOut" in row.dataset,
  }));
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const told = (_, value) => (value == null ? "—" : `${value.toFixed(decimals)} ${place.dataset.unit}`);
  const isLong = rows.length > 48;
  const font = `12px ${getComputedStyle(document.body).fontFamily}`;
  const axis = { stroke: colour("--quiet"), font, grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false } };
  const options = {
    width: place.clientWidth,
    height: 300,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Asia/Shanghai"),
    scales: { y: { range: (_, __, top) => [0, (top || 1) * 1.1] } },
    axes: [{ ...axis, values: spell, incrs: isLong ? [DAY, 2 * DAY] : [2, 4, 6, 12].map((h) => h * 3600) }, { ...axis, size: 48 }],
    legend: { markers: { show: false } },
    hooks: { draw: [(plot) => cross(plot, colour("--seal"))] },
    series: [
      { label: place.dataset.time, value: (_, at) => (at == null ? "—" : clock(at, true)) },
      { label: place.dataset.label, stroke: colour("--accent"), width: 2, value: told, points: { show: rows.length < 30, size: 6 } },
      { label: place.dataset.out, stroke: colour("--seal"), width: 2, value: told, paths: () => null, points: { show: false } },
    ],
  };
  const data = [rows.map((r) => r.at), rows.map((r) => (r.out ? null : r.value)), rows.map((r) => (r.out ? r.value : null))];
  const drawn = place.querySelector("svg");
  const label = drawn.getAttribute("aria-label");
  drawn.remove();
  const plot = new uPlot(options, gapped(data), place);
  plot.root.querySelector(".u-wrap").setAttribute("role", "img");
  plot.root.querySelector(".u-wrap").setAttribute("aria-label", label);
  new ResizeObserver(() => plot.setSize({ width: place.clientWidth, height: 300 })).observe(place);
}

// Left-out values are crosses, as in the drawn curve: told apart without colour too.
function cross(plot, colour) {
  const { ctx } = plot;
  const reach = 4 * devicePixelRatio;
  ctx.save();
  Object.assign(ctx, { strokeStyle: colour, lineWidth: 2 * devicePixelRatio, lineCap: "round" });
  ctx.beginPath();
  plot.data[2].forEach((value, n) => {
    if (value == null) return;
    const [x, y] = [plot.valToPos(plot.data[0][n], "x", true), plot.valToPos(value, "y", true)];
    ctx.moveTo(x - reach, y - reach);
    ctx.lineTo(x + reach, y + reach);
    ctx.moveTo(x + reach, y - reach);
    ctx.lineTo(x - reach, y + reach);
  });
  ctx.stroke();
  ctx.restore();
}

// A missing hour breaks the line, as it does in the drawn curve.
function gapped([times, used, out]) {
  const wide = [[], [], []];
  times.forEach((at, n) => {
    if (n && at - times[n - 1] > 3600) [at - 3600, null, null].forEach((v, i) => wide[i].push(v));
    [at, used[n], out[n]].forEach((v, i) => wide[i].push(v));
  });
  return wide;
}

function clock(seconds, full) {
  const shown = { timeZone: "Asia/Shanghai", hourCycle: "h23", hour: "2-digit", minute: "2-digit" };
  if (full) Object.assign(shown, { month: "2-digit", day: "2-digit" });
  return new Intl.DateTimeFormat(document.documentElement.lang, shown).format(seconds * 1000);
}

function spell(_, splits) {
  const isLong = splits.at(-1) - splits[0] > 2 * DAY;
  const day = new Intl.DateTimeFormat(document.documentElement.lang, { timeZone: "Asia/Shanghai", month: "2-digit", day: "2-digit" });
  return splits.map((at) => (isLong ? day.format(at * 1000) : clock(at, false)));
}
