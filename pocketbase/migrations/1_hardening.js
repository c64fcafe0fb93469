// What PocketBase leaves open by default, closed; and the superuser, whose name and password come from the environment
// because a command line shows in the process list.
migrate(
  (app) => {
    const settings = app.settings();
    settings.meta.appName = 'CodeFace';
    settings.meta.hideControls = true;

    // One request that carries many would pass the limits below as one.
    settings.batch.enabled = false;

    // Its log keeps addresses with their queries and the visitors' IP addresses: we keep none.
    settings.logs.maxDays = 0;
    settings.logs.logIP = false;

    // All requests come through our server, which overwrites this header; without it every visitor shares one limit.
    settings.trustedProxy.headers = ['X-Real-IP'];
    settings.trustedProxy.useLeftmostIP = false;
    // With the real address known, this shuts the superuser out from everywhere but this machine.
    settings.superuserIPs = ['127.0.0.1', '::1'];

    // Off by default. Per visitor; a room's archive asks a few times a second at its busiest.
    settings.rateLimits.enabled = true;
    settings.rateLimits.rules = [
      { label: '*:authWithPassword', maxRequests: 10, duration: 60, audience: '' },
      { label: '*:auth', maxRequests: 10, duration: 60, audience: '' },
      { label: '*:create', maxRequests: 60, duration: 60, audience: '@guest' },
      { label: '/api/', maxRequests: 300, duration: 10, audience: '' },
    ];
    app.save(settings);

    const email = $os.getenv('CODEFACE_SUPERUSER_EMAIL');
    const password = $os.getenv('CODEFACE_SUPERUSER_PASSWORD');
    if (!email || !password)
      throw new Error('The superuser has no name or no password; start CodeFace with npm start.');
    const superuser = new Record(app.findCollectionByNameOrId('_superusers'));
    superuser.setEmail(email);
    superuser.setPassword(password);
    app.save(superuser);
  },
  (app) => {
    // Only the account: nobody wants the defaults back.
    app.delete(app.findAuthRecordByEmail('_superusers', $os.getenv('CODEFACE_SUPERUSER_EMAIL')));
  },
);
