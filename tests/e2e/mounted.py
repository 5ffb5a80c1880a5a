"""mounted: front servers as operators configure them: lighttpd of Debian with one more module, nginx with every kind of
pass behind the check and a server{} whose settings interfere with it."""
import os

import fronts
import rig

AUDIENCE, ORIGIN = rig.AUDIENCE, "https://as.example"

# As Debian's lighttpd.conf: its own modules, then the files of conf-enabled in the order of their names.
LIGHTTPD = """
server.modules = ("mod_indexfile", "mod_access", "mod_alias", "mod_redirect"{tls})
server.bind = "127.0.0.1"
server.port = {port}
server.document-root = "{folder}"
server.errorlog = "{folder}/lighttpd-error.log"
server.upload-dirs = ("{folder}")
include "{folder}/http-parseopts.conf"
include "{folder}/conf-enabled/*.conf"
server.modules += ("mod_dirlisting", "mod_staticfile")
accesslog.filename = "{folder}/lighttpd-access.log"
"""

# A file of conf-enabled that loads a module and lets it claim what it can.
MODULES = {
    "proxy": 'proxy.server = ("" => (("host" => "127.0.0.1", "port" => {catcher})))',
    "scgi": 'scgi.server += ("/" => (("host" => "127.0.0.1", "port" => {catcher}, "check-local" => "disable")))',
    "ajp13": 'ajp13.server = ("" => (("host" => "127.0.0.1", "port" => {catcher})))',
    "wstunnel": 'wstunnel.server = ("" => (("host" => "127.0.0.1", "port" => {catcher})))',
    "status": 'status.status-url = "/files/x.txt"',
    "cgi": 'cgi.assign = (".txt" => "/bin/cat")',
    "webdav": '$HTTP["url"] =~ "^/dav/" {{ webdav.activate = "enable" }}',
    "fastcgi": '$HTTP["host"] =~ "." {{ fastcgi.server = ('
               '"/other" => (("host" => "127.0.0.1", "port" => {catcher}, "check-local" => "disable"))) }}',
    "sockproxy": '$SERVER["socket"] == "127.0.0.1:{other}" {{ '
                 'sockproxy.server = ("" => (("host" => "127.0.0.1", "port" => {catcher}))) }}',
}
CATCH_ALL = ("proxy", "scgi", "ajp13")
FILES = {"before": "10", "after": "95"}
BEFORE_ONLY = ("fastcgi",)          # of two blocks that set fastcgi.server the later one is in force, as our files say

LIGHTTPD_CHECK = """
server.modules += ("mod_scgi", "mod_cgi")
$HTTP["url"] =~ "^/(scgi|uwsgi|cgi)/" {{
    fastcgi.server += ({authorizers})
    setenv.set-environment = ("M2M_AUDIENCE" => "{audience}", "M2M_ORIGIN" => "{origin}")
}}
scgi.server += ("/scgi/" => (("host" => "127.0.0.1", "port" => {apps.scgi}, "check-local" => "disable")))
$HTTP["url"] =~ "^/uwsgi/" {{
    scgi.protocol = "uwsgi"
    scgi.server = ("/uwsgi/" => (("host" => "127.0.0.1", "port" => {apps.uwsgi}, "check-local" => "disable")))
}}
$HTTP["url"] =~ "^/cgi/" {{ cgi.assign = (".py" => "{python}") }}
"""
AUTHORIZER = ('"/{path}/" => (("socket" => "{socket}", "mode" => "authorizer", "check-local" => "disable", '
              '"read-timeout" => 15))')


class Lighttpd(fronts.Front):
    """As Debian has it, with one more module; place: whether its file comes before or after ours."""

    def __init__(self, stack, applications, module=None, place=None):
        super().__init__(stack.scratch, "lighttpd", stack.pool.socket)
        self.applications, self.module, self.place = applications, module, place
        self.other_port = rig.free_port()

    def write_lighttpd(self):
        folder, enabled = self.scratch.folder, self.scratch.path("conf-enabled")
        os.makedirs(enabled, exist_ok=True)
        for name in os.listdir(enabled):
            os.unlink(os.path.join(enabled, name))
        self.adapt("lighttpd/http-parseopts.conf", "http-parseopts.conf", {})
        self.adapt("lighttpd/05-m2mauth-modules.conf", "conf-enabled/05-m2mauth-modules.conf", {})
        self.adapt("lighttpd/m2mauth.conf", "conf-enabled/90-m2mauth.conf", {"/run/m2mauth/fcgi.sock": self.socket})
        self.adapt("lighttpd/m2mauth_check.conf", "conf-enabled/91-m2mauth-check.conf", {
            "/run/m2mauth/fcgi.sock": self.socket, "/run/app/fcgi.sock": self.applications.fastcgi,
            '"port" => 8080': f'"port" => {self.applications.http}', '"M2M_SCOPE" => "read",': "",
            "https://api.example.com/\"": f"{AUDIENCE}\"", '"https://api.example.com"': f'"{ORIGIN}"',
            **{f'https://{name}.example.com/"': f'{AUDIENCE}", "M2M_ORIGIN" => "{ORIGIN}"' for name in ("app", "files")}})
        self.scratch.write("conf-enabled/92-more.conf", self.more_paths())
        if self.module:
            line = MODULES[self.module].format(catcher=self.applications.catcher, other=self.other_port)
            self.scratch.write(f"conf-enabled/{FILES[self.place]}-{self.module}.conf",
                               f'server.modules += ("mod_{self.module}")\n{line}\n')
        conf = self.scratch.write("lighttpd.conf", LIGHTTPD.format(folder=folder, port=self.port, tls=""))
        self.command = ["lighttpd", "-D", "-f", conf]

    def more_paths(self):
        authorizers = ", ".join(AUTHORIZER.format(path=path, socket=self.socket) for path in ("scgi", "uwsgi", "cgi"))
        return LIGHTTPD_CHECK.format(authorizers=authorizers, audience=AUDIENCE, origin=ORIGIN, apps=self.applications,
                                     python="/usr/bin/python3")


NGINX_SERVER = """
        underscores_in_headers {underscores};
        include {folder}/m2mauth_check.conf;
{around}
        location ^~ /files/ {{ {protect} root {folder}; }}
        location ^~ /limited/ {{ {protect} limit_req zone=few burst=9 nodelay;
                                 rewrite ^ /files/x.txt break; root {folder}; }}
        location ^~ /http/ {{ {protect} client_max_body_size 10m; proxy_pass http://127.0.0.1:{apps.http}; }}
        location ^~ /fastcgi/ {{ {protect} client_max_body_size 10m; fastcgi_cache off;
                              include /etc/nginx/fastcgi_params; fastcgi_pass unix:{apps.fastcgi}; }}
        location ^~ /uwsgi/ {{ {protect} client_max_body_size 10m;
                            include /etc/nginx/uwsgi_params; uwsgi_pass 127.0.0.1:{apps.uwsgi}; }}
        location ^~ /scgi/ {{ {protect} client_max_body_size 10m;
                           include /etc/nginx/scgi_params; scgi_pass 127.0.0.1:{apps.scgi}; }}
        location ^~ /grpc/ {{ {protect} client_max_body_size 10m; grpc_pass grpc://127.0.0.1:{grpc_port}; }}
        location ^~ /small/ {{ {protect} client_max_body_size 1m; proxy_pass http://127.0.0.1:{apps.http}; }}
    }}
    limit_req_zone $binary_remote_addr zone=few:1m rate=1r/m;
    limit_req_zone $binary_remote_addr zone=many:1m rate=1000r/s;
    limit_conn_zone $binary_remote_addr zone=connections:1m;
    fastcgi_cache_path {folder}/nginx-cache keys_zone=answers:1m;
    server {{
        listen 127.0.0.1:{grpc_port} http2;
        client_max_body_size 0;
        location / {{ proxy_pass http://127.0.0.1:{apps.http}; }}
"""

NGINX_PROTECT = """
            set $m2mauth_audience "{audience}";
            set $m2mauth_scope "";
            set $m2mauth_scope_any "";
            set $m2mauth_resource_metadata "";
            set $m2mauth_binding "";
            set $m2mauth_origin "https://as.example";
            include {folder}/m2mauth_protect;
"""

# Each of these lines would let requests pass, return the answer for another client or break uploads if it applied to the check.
NGINX_AROUND = """
        client_max_body_size 100k;
        satisfy any; allow 127.0.0.1; deny all;
        error_page 400 401 403 404 413 =200 /open.txt;
        error_page 500 502 503 504 = @open;
        recursive_error_pages on;
        location = /open.txt {{ root {folder}; }}
        location @open {{ return 200 "open"; }}
        limit_req zone=many burst=100000 nodelay;
        limit_conn connections 1000;
        fastcgi_cache answers;
        fastcgi_cache_key "$uri";
        fastcgi_cache_valid any 1h;
        fastcgi_cache_methods GET HEAD POST;
        fastcgi_ignore_headers Cache-Control Expires Set-Cookie Vary;
        fastcgi_intercept_errors on;
        mirror /mirrored; mirror_request_body off;
        location = /mirrored {{ internal; return 204; }}
        gzip on; gzip_types *; gzip_min_length 1;
        expires 1h;
        add_header X-Around yes always;
        if ($request_method = TRACE) {{ return 405; }}
        rewrite ^/(?!files|limited|small|http|fastcgi|uwsgi|scgi|grpc|oauth|\.well-known|mirrored|open) /open.txt last;
        location ~* \.(txt|json|css|js)$ {{ return 200 "open"; }}
        location ~ /(orders|token|live|validate|oauth)$ {{ return 200 "open"; }}
"""


class Nginx(fronts.Front):
    """around: other settings of the server{}. socket: of the pool, if it is to be wrong."""

    def __init__(self, stack, applications, around="", socket=None):
        super().__init__(stack.scratch, "nginx", socket or stack.pool.socket)
        self.applications, self.around, self.module = applications, around, None
        self.grpc_port = rig.free_port()
        self.more = Nginx.locations

    def locations(self):
        folder = self.scratch.folder
        self.adapt("nginx/m2mauth_check.conf", "m2mauth_check.conf", {})
        self.adapt("nginx/m2mauth_protect", "m2mauth_protect", {})
        return NGINX_SERVER.format(folder=folder, apps=self.applications, grpc_port=self.grpc_port,
                                   underscores="on" if self.around else "off", around=self.around.format(folder=folder),
                                   protect=NGINX_PROTECT.format(folder=folder, audience=AUDIENCE))
