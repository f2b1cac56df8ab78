from django.apps import AppConfig
from django.core.checks import Tags, register

from organizations.roles import check_application_role


class OrganizationsConfig(AppConfig):
    name = "organizations"

    def ready(self) -> None:
        register(check_application_role, Tags.database)
