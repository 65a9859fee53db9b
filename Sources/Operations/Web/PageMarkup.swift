extension WebPage {
    /// What the browser must know before anything is drawn. The policy names all that the page may reach: this host.
    static let head = #"""
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; connect-src 'self' ws: wss:;
         media-src blob:; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none';
         form-action 'none'">
        <title>Sluice</title>
        <link rel="icon" href="data:,">
        """#

    static let markup = #"""
        <header>
          <svg viewBox="0 0 24 24" width="28" height="28" aria-hidden="true">
            <path d="M3 4v16M21 4v16M3 8h18M7 12q2.5-2 5 0t5 0M7 16q2.5-2 5 0t5 0"/>
          </svg>
          <h1><a href="/">Sluice</a></h1>
          <p id="count"></p>
        </header>
        <main>
          <section id="watch" aria-labelledby="title" hidden>
            <video id="video" controls muted playsinline aria-labelledby="title"></video>
            <div class="bar">
              <h2 id="title"></h2>
              <p id="state" role="status" aria-live="polite"></p>
              <p id="delay"></p>
              <button id="sound" type="button" hidden>Turn sound on</button>
              <button id="stop" type="button">Stop</button>
            </div>
            <p id="note" role="alert" hidden></p>
            <div class="copy">
              <label for="watch-url">Address</label>
              <input id="watch-url" readonly spellcheck="false">
              <button type="button" data-copy="watch-url">Copy</button>
            </div>
          </section>
          <section aria-labelledby="live">
            <h2 id="live">Live now</h2>
            <ul id="streams"></ul>
            <p id="empty">Looking for streams…</p>
          </section>
          <section aria-labelledby="push">
            <h2 id="push">Go live</h2>
            <p>Push from OBS, ffmpeg or any RTMP encoder. Choose a name of your own.</p>
            <div class="copy">
              <label for="name">Name</label>
              <input id="name" value="mystream" spellcheck="false" autocapitalize="off" autocomplete="off">
            </div>
            <div class="copy">
              <label for="push-url">Address</label>
              <input id="push-url" readonly spellcheck="false">
              <button type="button" data-copy="push-url">Copy</button>
            </div>
            <div class="copy">
              <label for="push-line">ffmpeg</label>
              <textarea id="push-line" readonly rows="2" spellcheck="false"></textarea>
              <button type="button" data-copy="push-line">Copy</button>
            </div>
          </section>
        </main>
        <noscript><p>This page needs JavaScript. Streams are at /app/name.flv for VLC, ffplay and others.</p></noscript>
        """#
}
