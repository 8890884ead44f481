%% SPDX-License-Identifier: Apache-2.0
%% The web server of Erlang's own library, of the files here: erl -s app -port PORT
-module(app).
-export([start/0]).

start() ->
    {ok, [[Port]]} = init:get_argument(port),
    {ok, Here} = file:get_cwd(),
    ok = inets:start(),
    {ok, _} = inets:start(httpd, [{port, list_to_integer(Port)}, {bind_address, {127, 0, 0, 1}},
                                  {server_name, "localhost"}, {server_root, Here},
                                  {document_root, Here}, {modules, [mod_get, mod_head]}]).
