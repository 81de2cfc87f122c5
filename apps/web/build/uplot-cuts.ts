// uPlot without what the page never asks of it: it is published as one closed function whose parts no bundler can tell
// apart, and two fifths of it are calendars, legends, bars, steps and splines, points under the pointer, charts that
// move together, fills and gaps, charts that stand upright. Every kilobyte of these would be in every snapshot.
//
// A cut is told by the text with which it begins and by the text before which it ends, so that it reads beside uPlot's
// source. Where either is not there as often as it should be, as after an update of uPlot, the build stops and says
// which cut. That nothing which stays names what went is a test beside this; that what stays still draws, zooms and
// follows the pointer is what all tests in the browser see, since the served page is built with the same cuts.
import type { Plugin } from 'vite'

export interface Cut {
  /** What the page does without. */
  readonly what: string
  readonly from: string
  /** Stays, and what follows it; without it `from` alone goes. */
  readonly to?: string
  /** What stands there instead. */
  readonly put?: string
  /** How often `from` is there: each of them goes, or with `to` the first. */
  readonly times?: number
}

const CALENDAR: readonly Cut[] = [
  { what: 'dates', from: 'const months = [', to: 'const onlyWhole' },
  { what: 'ticks at dates', from: 'const NL = "\\n";', to: 'function legendStroke(' },
  { what: 'steps between dates', from: '(isTime ? (ms == 1 ? timeIncrsMs : timeIncrsS) : numIncrs)', put: 'numIncrs' },
  { what: 'places of dates', from: 'isTime && sc.distr == 1 ? _timeAxisSplits : ' },
  { what: 'texts of dates', from: '// temporal\n', to: 'av || numAxisVals' },
  { what: 'time zones of a chart', from: 'const _tzDate  =', to: 'const activeIdxs = [];' },
]

// The page writes its legend and tables itself.
const LEGEND: readonly Cut[] = [
  { what: 'what a legend is told', from: 'const legend     = ', to: 'const cursor     = ' },
  { what: 'whether there is a legend', from: 'const showLegend =', to: 'const showCursor =' },
  { what: 'rows of a legend', from: 'const markers    = legend.markers;', to: 'const mouseListeners' },
  { what: 'a legend that is due', from: 'if (legend.show && legend.live', to: 'if (!ready) {' },
  {
    what: 'how a legend says a value',
    from: 'if (mode == 1 || i > 0) {\n\t\t\tlet isTime',
    to: 'if (cursorOnePt || i > 0) {',
  },
  { what: 'values in a legend', from: 'function syncLegend()', to: 'function updateCursor(' },
  { what: 'a legend that goes', from: 'legendTable?.remove();' },
]

// The step cursor and what it says are the page's; of uPlot's there is the line that follows the pointer.
const POINTED_AT: readonly Cut[] = [
  {
    what: 'a line: its row and its point under the pointer',
    from: 'if (showLegend) {\n\t\t\tlet rowCells',
    to: 'fire("addSeries", i);',
  },
  { what: 'the nearest value of each line', from: 'if (cursor.dataIdx == null) {', to: 'const setCursorEvent' },
  { what: 'where the nearest values are', from: 'cursor.idxs = activeIdxs;' },
  {
    what: 'points under the pointer',
    from: 'let points = cursor.points;',
    to: 'function initSeries(',
    put: 'const focus = {alpha: 1};\n\tconst cursorOnePt = false;\n\n\t',
  },
  {
    what: 'points that move with the size',
    from: 'for (let i = 0; i < cursorPts.length; i++) {',
    to: '}\n\n\t\t\t\tif (select.show && !shouldSetSelect',
  },
  {
    what: 'the line that is nearest',
    from: 'let idx;\n\n\t\t// when zooming',
    to: '// nit: cursor.drag.setSelect',
    put: 'const xDim = plotWidCss;\n\t\tconst yDim = plotHgtCss;\n\n\t\t',
  },
  { what: 'no value is near any more', from: 'activeIdxs.fill(null);' },
]

// Lines that come, go, are hidden or stand out: a chart whose lines change is made anew (curve-chart.ts).
const LINES_ASIDE: readonly Cut[] = [
  { what: 'lines that come and go', from: 'function addSeries(opts, si)', to: 'const sidesWithAxes' },
  {
    what: 'lines that are hidden or stand out',
    from: 'function toggleDOM(i)',
    to: 'function posToVal(',
    put: 'function _setScale(key, min, max) {\n\t\tsetScale(key, {min, max});\n\t}\n\n\t',
  },
]

// One step cursor moves all panels, through the state of the page.
const TOGETHER: readonly Cut[] = [
  {
    what: 'a stretch chosen in another chart',
    from: 'if (src != null) {\n\t\t\t\tlet [xKey, yKey] = syncOpts.scales;',
    to: 'let rawDX = abs',
    put: '{\n',
  },
  {
    what: 'a pointer in another chart',
    from: 'let [xKey, yKey] = syncOpts.scales;\n\n\t\t\tlet syncOptsSrc',
    to: '}\n\n\t\tif (snap &&',
  },
  {
    what: 'telling other charts of the pointer',
    from: 'if (src == null) {\n\t\t\tif (_pub) {',
    to: '_fire !== false && fire("setCursor");',
  },
  {
    what: 'telling of a press',
    from: 'pubSync(mousedown, self, mouseLeft0, mouseTop0, plotWidCss, plotHgtCss, null);',
  },
  {
    what: 'telling of its end',
    from: 'pubSync(mouseup, self, mouseLeft1, mouseTop1, plotWidCss, plotHgtCss, null);',
  },
  {
    what: 'telling of a double click',
    from: 'if (e != null)\n\t\t\tpubSync(dblclick, self, mouseLeft1, mouseTop1, plotWidCss, plotHgtCss, null);',
  },
  {
    what: 'what is heard of others',
    from: 'events["setSeries"] = ',
    to: 'if (showCursor) {\n\t\tonMouse(mousedown',
  },
  { what: 'who hears of whom', from: 'const seriesIdxMatcher', to: 'function destroy()' },
  { what: 'leaving the others', from: 'sync.unsub(self);' },
]

// Every scale is given its ends, and every axis its words.
const RANGES: readonly Cut[] = [
  {
    what: 'ends of a scale that is given none',
    from: 'let isTime = sc.time;\n\n\t\t\t\tlet rn',
    to: 'sc.auto = fnOrSelf(',
    put: 'const rangeIsArr = false;\n\n\t\t\t\tsc.range = fnOrSelf(sc.range);\n\n\t\t\t\t',
  },
  { what: 'ends around a single value', from: 'else if (_min == _max) {', to: '}\n\t\t\telse {\n\t\t\t\ti0 = idxs[0]' },
  { what: 'how ends are rounded', from: 'function snapNumX(', to: '// dim is logical' },
  { what: 'ends of lines', from: 'function rangeLog(', to: '// nullish coalesce' },
  { what: 'numbers in words', from: 'const numFormatter =', to: 'const M = Math;' },
  { what: 'numbers at an axis', from: 'function numAxisVals(', to: 'function numAxisSplits(' },
  { what: 'numbers where none are given', from: 'av || numAxisVals', put: 'av' },
  { what: 'the name of a line', from: 'function numSeriesVal(', to: 'const yAxisOpts = {' },
  { what: 'the name of an axis', from: '// axis label\n', to: 'if (_space == 0)\n\t\t\t\tcontinue;' },
]

// Bands, markers and gaps are drawn by curve-chart.ts, over lines without them.
const SHAPES: readonly Cut[] = [
  { what: 'bars, steps, splines, and what uPlot lends', from: 'uPlot.assign = assign;', to: 'export { uPlot as default };' },
  { what: 'areas and gaps of a line', from: 'let [ bandFillDir, bandClipDir ]', to: 'return _paths;', times: 3 },
  { what: 'areas between lines', from: 'flags != 0 && bands.forEach((b, bi) => {', to: 'if (!didStrokeFill)' },
  { what: 'points of a line', from: 'let _ptDia = ptDia', to: '}\n\n\t\tfire("addSeries"' },
  {
    what: 'drawing points',
    from: '{\n\t\t\t\t\t\tlet _gaps',
    to: 'if (ctxAlpha != _ctxAlpha)\n\t\t\t\t\t\tctx.globalAlpha = ctxAlpha = _ctxAlpha;\n\n\t\t\t\t\tfire("drawSeries"',
  },
  { what: 'paint of points', from: 'cacheStrokeFill(i, true);' },
  { what: 'shapes of points', from: 'const pointsPath = points() ;' },
  { what: 'scatter plots', from: 'const mode = self.mode;', put: 'const mode = 1;' },
]

export const CUTS: readonly Cut[] = [
  ...CALENDAR,
  ...LEGEND,
  ...POINTED_AT,
  ...LINES_ASIDE,
  ...TOGETHER,
  ...RANGES,
  ...SHAPES,
]

/** `source` without its cuts. Throws where one does not fit. */
export const withoutCuts = (source: string, cuts: readonly Cut[] = CUTS): string =>
  cuts.reduce((text, { what, from, to, put = '', times = 1 }) => {
    const found = text.split(from).length - 1
    const at = text.indexOf(from)
    const end = to === undefined ? at + from.length : text.indexOf(to, at)
    if (found !== times || end < 0) {
      throw new Error(
        `Cannot leave '${what}' out of uPlot: ${
          found !== times ? `'${from}' is there ${found} times instead of ${times}` : `'${to}' does not follow`
        }. Was uPlot updated? Bring uplot-cuts.ts up to its source, or take the cut out`,
      )
    }
    return to === undefined ? text.replaceAll(from, put) : text.slice(0, at) + put + text.slice(end)
  }, source)

export const uplotWithoutCuts: Plugin = {
  name: 'ldyn-uplot-cuts',
  enforce: 'pre',
  transform: (code, id) => (id.endsWith('uPlot.esm.js') ? { code: withoutCuts(code), map: null } : undefined),
}
