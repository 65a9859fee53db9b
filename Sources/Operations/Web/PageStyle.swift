extension WebPage {
    /// Colours follow the reader's light or dark setting; nothing moves.
    static let style = #"""
        :root {
          --ground: #f6f7f8; --card: #fff; --ink: #16202a; --soft: #5b6875; --line: #dce1e6; --accent: #0b6bcb;
          --on-accent: #fff; --warn: #a03a00;
        }
        @media (prefers-color-scheme: dark) {
          :root {
            --ground: #0e1318; --card: #171e25; --ink: #e6ebf0; --soft: #93a1af; --line: #2a343e; --accent: #5cb0ff;
            --on-accent: #06121e; --warn: #ffb07a;
          }
        }
        * { box-sizing: border-box; }
        [hidden] { display: none !important; }
        body {
          margin: 0 auto; max-width: 60rem; padding: 1rem; background: var(--ground); color: var(--ink);
          font: 16px/1.5 system-ui, sans-serif;
        }
        header { display: flex; align-items: center; gap: .6rem; padding: .3rem 0 1rem; }
        header svg { fill: none; stroke: var(--accent); stroke-width: 2; stroke-linecap: round; }
        h1, h2, p { margin: 0; }
        h1 { font-size: 1.3rem; }
        h1 a { color: inherit; text-decoration: none; }
        h2 { font-size: 1.05rem; }
        #count, #delay, #empty, section > p { color: var(--soft); }
        #count { margin-left: auto; }
        section {
          background: var(--card); border: 1px solid var(--line); border-radius: .75rem; padding: 1rem;
          margin-bottom: 1rem;
        }
        video { display: block; width: 100%; max-height: 70vh; background: #000; border-radius: .5rem; }
        video:not([data-picture]) { aspect-ratio: 16 / 9; }
        .bar { display: flex; flex-wrap: wrap; align-items: center; gap: .3rem 1rem; margin: .8rem 0 .3rem; }
        .bar h2, .row b { overflow-wrap: anywhere; }
        #delay { margin-right: auto; font-variant-numeric: tabular-nums; }
        #note { color: var(--warn); margin-bottom: .5rem; }
        #state::before {
          content: ''; display: inline-block; width: .6em; height: .6em; margin-right: .4em; border-radius: 50%;
          background: var(--soft);
        }
        #state[data-state=playing]::before { background: #2aa55a; }
        #state[data-state=unsupported]::before { background: var(--warn); }
        ul { list-style: none; margin: .6rem 0 0; padding: 0; }
        ul:empty { display: none; }
        li + li { border-top: 1px solid var(--line); }
        .row {
          display: grid; grid-template-columns: 1fr auto; gap: 0 1rem; width: 100%; padding: .6rem .5rem; border: 0;
          background: none; color: inherit; text-align: left;
        }
        .row small { color: var(--soft); font-size: .85rem; font-variant-numeric: tabular-nums; }
        .row:hover, .row[aria-current=true] { background: var(--ground); }
        .row[aria-current=true] b { color: var(--accent); }
        .copy {
          display: grid; grid-template-columns: 5rem 1fr 6rem; gap: .5rem; align-items: start; margin-top: .6rem;
        }
        .copy label { padding-top: .4rem; color: var(--soft); }
        input, textarea {
          width: 100%; min-width: 0; padding: .4rem .6rem; border: 1px solid var(--line); border-radius: .4rem;
          background: var(--ground); color: inherit; font: .9rem/1.5 ui-monospace, monospace;
          resize: none; field-sizing: content;
        }
        button { font: inherit; border-radius: .4rem; cursor: pointer; }
        .bar button, .copy button {
          padding: .3rem .8rem; border: 1px solid var(--line); background: none; color: inherit;
        }
        #sound { background: var(--accent); border-color: var(--accent); color: var(--on-accent); }
        :focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
        @media (max-width: 36rem) { .copy { grid-template-columns: 1fr 6rem; } .copy label { grid-column: 1 / -1; } }
        """#
}
