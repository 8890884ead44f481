%% SPDX-License-Identifier: Apache-2.0
%% The web server of Erlang's own library, of the files here: erl -s app -port PORT
%% With -cert FILE -key FILE over TLS.
-module(app).
-export([start/0]).

start() ->
    {ok, [[Port]]} = init:get_argument(port),
    {ok, Here} = file:get_cwd(),
    ok = inets:start(),
    Tls = case init:get_argument(cert) of
              {ok, [[Cert]]} ->
                  {ok, [[Key]]} = init:get_argument(key),
                  ok = ssl:start(),
                  [{socket_type, {ssl, [{certfile, Cert}, {keyfile, Key}]}}];
              error ->
                  []
          end,
    {ok, _} = inets:start(httpd, [{port, list_to_integer(Port)}, {bind_address, {127, 0, 0, 1}},
                                  {server_name, "localhost"}, {server_root, Here},
                                  {document_root, Here}, {modules, [mod_get, mod_head]} | Tls]).
