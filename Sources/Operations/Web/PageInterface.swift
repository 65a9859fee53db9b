extension WebPage {
    /// The list, the address bar and the buttons. `?play=app/name` plays at once, muted, over a WebSocket; with `&ws=0`
    /// over plain HTTP, with `&hls` as Low-Latency HLS. Other parameters, such as a token, go along to the stream's address.
    static let interfaceScript = #"""
        const pollEvery = 2000;
        const $ = (id) => document.getElementById(id);
        const video = $('video');
        const rows = new Map();
        let chosen = null;

        const player = new Player(video, (state, words) => {
          $('state').textContent = words;
          $('state').dataset.state = state;
        }, (words) => {
          $('note').textContent = words;
          $('note').hidden = !words;
        });
        window.sluice = {
          get state() { return player.state; },
          get delay() { return player.delay; },
          get latency() { return player.latency; },
          get stalls() { return player.stalls; },
        };

        function way() {
          const own = new URLSearchParams(location.search);
          return own.has('hls') ? 'hls' : own.get('ws') === '0' ? 'fetch' : 'socket';
        }

        function streamURL(name) {
          const own = new URLSearchParams(location.search);
          for (const key of ['play', 'ws', 'hls']) own.delete(key);
          const query = own.toString();
          return '/' + name.split('/').map(encodeURIComponent).join('/') + (way() === 'hls' ? '/index.m3u8' : '.mp4') +
            (query ? '?' + query : '');
        }

        function watch(name) {
          chosen = name;
          $('watch').hidden = !name;
          for (const [key, row] of rows) row.button.setAttribute('aria-current', key === name);
          document.title = name ? `${name} · Sluice` : 'Sluice';
          player.pausedByHand = false;
          if (!name) { player.stop(); return; }
          $('title').textContent = name;
          $('watch-url').value = new URL(streamURL(name), location.href).href;
          player.watch(streamURL(name), way());
        }

        function go(name) {
          const query = new URLSearchParams(location.search);
          query.delete('play');
          let search = query.toString();
          if (name) search += (search ? '&' : '') + 'play=' + encodeURIComponent(name).replaceAll('%2F', '/');
          history.pushState(null, '', search ? '?' + search : location.pathname);
          watch(name);
        }
        const fromAddress = () => watch(new URLSearchParams(location.search).get('play'));

        function element(tag, className) {
          const made = document.createElement(tag);
          if (className) made.className = className;
          return made;
        }

        function addRow(name) {
          const item = element('li'), button = element('button', 'row');
          const title = element('b'), viewers = element('small'), details = element('small');
          button.type = 'button';
          title.textContent = name;
          button.append(title, viewers, details);
          button.setAttribute('aria-current', name === chosen);
          button.addEventListener('click', () => {
            // A click is leave enough for sound.
            video.muted = false;
            go(name);
            $('watch').scrollIntoView({ block: 'nearest' });
          });
          item.append(button);
          rows.set(name, { item, button, viewers, details });
        }

        function show(streams) {
          const names = new Set();
          for (const stream of streams) {
            const name = `${stream.app}/${stream.name}`;
            names.add(name);
            if (!rows.has(name)) addRow(name);
            const { viewers, details } = rows.get(name);
            viewers.textContent = stream.viewers === 1 ? '1 viewer' : `${stream.viewers} viewers`;
            const rate = stream.kbps > 0 ? `${stream.kbps} kbit/s` : '';
            details.textContent = [stream.video, stream.audio, rate].filter(Boolean).join(' · ');
          }
          for (const [name, row] of rows) if (!names.has(name)) { row.item.remove(); rows.delete(name); }
          // Moved only when out of place, so that the keyboard's focus stays where it was.
          [...rows.keys()].sort().forEach((name, i) => {
            const { item } = rows.get(name), list = $('streams');
            if (list.children[i] !== item) list.insertBefore(item, list.children[i] || null);
          });
          $('count').textContent = names.size === 1 ? '1 stream' : names.size ? `${names.size} streams` : '';
          $('empty').hidden = names.size > 0;
          $('empty').textContent = 'No streams yet. Push one, and it appears here.';
        }

        async function poll() {
          try {
            if (!document.hidden) show((await (await fetch('/streams.json', { cache: 'no-store' })).json()).streams);
          } catch {
            $('empty').hidden = false;
            $('empty').textContent = 'The server does not answer. Trying again.';
          }
          setTimeout(poll, pollEvery);
        }

        function showPush() {
          const host = location.hostname || 'localhost';
          const name = encodeURIComponent($('name').value.trim() || 'mystream');
          const url = `rtmp://${host}:1935/live/${name}`;
          $('push-url').value = url;
          $('push-line').value = 'ffmpeg -re -i input.mp4 -c:v libx264 -preset veryfast -tune zerolatency -g 60 ' +
            `-pix_fmt yuv420p -c:a aac -f flv ${url}`;
        }

        // navigator.clipboard exists over https and on localhost only.
        async function copy(button) {
          const field = $(button.dataset.copy);
          let done = true;
          try { await navigator.clipboard.writeText(field.value); } catch {
            field.select();
            done = document.execCommand('copy');
          }
          button.textContent = done ? 'Copied' : 'Press Ctrl+C';
          setTimeout(() => { button.textContent = 'Copy'; }, 2000);
        }

        setInterval(() => {
          const { delay } = player;
          $('delay').textContent = player.state === 'playing' && delay !== null ? `${delay.toFixed(1)} s behind` : '';
          $('sound').hidden = !(video.muted && player.state === 'playing' && player.has('audio'));
        }, 500);
        $('sound').addEventListener('click', () => { video.muted = false; });
        $('stop').addEventListener('click', () => go(null));
        $('name').addEventListener('input', showPush);
        video.addEventListener('pause', () => { player.pausedByHand = video.readyState > 2; });
        video.addEventListener('play', () => { player.pausedByHand = false; });
        video.addEventListener('resize', () => { video.dataset.picture = ''; });
        for (const button of document.querySelectorAll('[data-copy]')) {
          button.addEventListener('click', () => copy(button));
        }
        addEventListener('popstate', fromAddress);
        video.muted = true;
        showPush();
        fromAddress();
        poll();
        """#
}
