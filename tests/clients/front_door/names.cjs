// Node.js finds the names of the test at FRONT_DOOR_ADDRESS: in the place of systemd-resolved and of /etc/hosts.
'use strict';
const dns = require('node:dns');
const { isIPv6 } = require('node:net');

const address = process.env.FRONT_DOOR_ADDRESS;
const family = isIPv6(address) ? 6 : 4;
const { lookup } = dns;

dns.lookup = (name, options, done) => {
    if (!/(^|\.)localhost$|\.example\.(com|org)$/.test(name))
        return lookup(name, options, done);
    if (typeof options === 'function')
        [options, done] = [{}, options];
    return process.nextTick(() => (options.all ? done(null, [{ address, family }]) : done(null, address, family)));
};
