const colours = { floor: '#9aa5b1', scan: '#2b6cb0', exact: '#1a4f8b', peer: '#c05621', graph: '#b7791f' };
const [width, rowHeight, left, right, top] = [860, 26, 250, 190, 54];

const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

/** Milliseconds of one query, by who answers it: bars on a logarithmic scale, each with its median, range and recall. */
export function chartOf({ rows, results }) {
  const most = Math.max(...results.map(({ mostMs }) => mostMs));
  const least = Math.min(...results.map(({ leastMs }) => leastMs)) / 2;
  const at = (ms) =>
    left + ((Math.log(ms) - Math.log(least)) / (Math.log(most) - Math.log(least))) * (width - left - right);
  const bars = results.map(({ name, kind, ms, leastMs, mostMs, recall }, n) => {
    const y = top + n * rowHeight;
    const found = recall ? `, ${(recall.top10 * 100).toFixed(0)} % of the top 10` : '';
    return `<text x="${left - 8}" y="${y + 14}" text-anchor="end">${escaped(name)}</text>
<rect x="${left}" y="${y + 3}" width="${(at(ms) - left).toFixed(1)}" height="15" fill="${colours[kind]}"/>
<path d="M${at(leastMs).toFixed(1)} ${y + 10.5}H${at(mostMs).toFixed(1)}" stroke="#1a202c"/>
<text x="${(at(mostMs) + 6).toFixed(1)}" y="${y + 14}">${ms} ms${found}</text>`;
  });
  const height = top + results.length * rowHeight + 12;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="12">
<title>Milliseconds of a query among ${rows.toLocaleString('en')}</title>
<rect width="${width}" height="${height}" fill="#fff"/>
<text x="12" y="22" font-size="15" font-weight="600">One face among ${rows.toLocaleString('en')}: milliseconds of a query</text>
<text x="12" y="40" fill="#4a5568">Median, and a line from least to most; logarithmic. The same rows and probes, in turn, on one machine.</text>
${bars.join('\n')}
</svg>
`;
}
