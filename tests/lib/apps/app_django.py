# SPDX-License-Identifier: Apache-2.0
# A Django application in one file: python3 app_django.py runserver --noreload 127.0.0.1:PORT
import sys

from django.conf import settings
from django.core.management import execute_from_command_line
from django.http import HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

settings.configure(SECRET_KEY="none", ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"])


@csrf_exempt
def hello(request):
    return HttpResponse(f"{len(request.body)}\n")


def large(request):
    return HttpResponse("x" * 300000)


urlpatterns = [path("hello", hello), path("large", large)]
execute_from_command_line(sys.argv)
