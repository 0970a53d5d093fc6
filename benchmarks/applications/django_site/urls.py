"""Addresses of the site: the helpdesk at the root, a token for API clients, the admin's."""

from django.contrib import admin
from django.urls import include, path
from rest_framework.authtoken.views import obtain_auth_token

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api-token/", obtain_auth_token),
    path("i18n/", include("django.conf.urls.i18n")),
    path("", include("helpdesk.urls", namespace="helpdesk")),
]
