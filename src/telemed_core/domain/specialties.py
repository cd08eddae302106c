"""The medical specialties recognised in Brazil (CFM resolution 2.330/2023), by a stable English code."""

from enum import StrEnum
from typing import Self

from telemed_core.domain.people import Language
from telemed_core.errors import InvalidError


class Specialty(StrEnum):
    """What a doctor is registered to practise."""

    ACUPUNCTURE = "acupuncture"
    ALLERGY_IMMUNOLOGY = "allergy_immunology"
    ANESTHESIOLOGY = "anesthesiology"
    ANGIOLOGY = "angiology"
    CARDIOLOGY = "cardiology"
    CARDIOVASCULAR_SURGERY = "cardiovascular_surgery"
    CLINICAL_ONCOLOGY = "clinical_oncology"
    COLOPROCTOLOGY = "coloproctology"
    DERMATOLOGY = "dermatology"
    DIGESTIVE_SURGERY = "digestive_surgery"
    EMERGENCY_MEDICINE = "emergency_medicine"
    ENDOCRINOLOGY = "endocrinology"
    ENDOSCOPY = "endoscopy"
    FAMILY_MEDICINE = "family_medicine"
    GASTROENTEROLOGY = "gastroenterology"
    GENERAL_SURGERY = "general_surgery"
    GERIATRICS = "geriatrics"
    GYNECOLOGY_OBSTETRICS = "gynecology_obstetrics"
    HAND_SURGERY = "hand_surgery"
    HEAD_NECK_SURGERY = "head_neck_surgery"
    HEMATOLOGY = "hematology"
    HOMEOPATHY = "homeopathy"
    INFECTIOUS_DISEASE = "infectious_disease"
    INTENSIVE_CARE = "intensive_care"
    INTERNAL_MEDICINE = "internal_medicine"
    LEGAL_MEDICINE = "legal_medicine"
    MASTOLOGY = "mastology"
    MEDICAL_GENETICS = "medical_genetics"
    NEPHROLOGY = "nephrology"
    NEUROLOGY = "neurology"
    NEUROSURGERY = "neurosurgery"
    NUCLEAR_MEDICINE = "nuclear_medicine"
    NUTROLOGY = "nutrology"
    OCCUPATIONAL_MEDICINE = "occupational_medicine"
    OPHTHALMOLOGY = "ophthalmology"
    ORTHOPEDICS = "orthopedics"
    OTORHINOLARYNGOLOGY = "otorhinolaryngology"
    PATHOLOGY = "pathology"
    LABORATORY_MEDICINE = "laboratory_medicine"
    PEDIATRIC_SURGERY = "pediatric_surgery"
    PEDIATRICS = "pediatrics"
    PHYSICAL_MEDICINE = "physical_medicine"
    PLASTIC_SURGERY = "plastic_surgery"
    PREVENTIVE_MEDICINE = "preventive_medicine"
    PSYCHIATRY = "psychiatry"
    PULMONOLOGY = "pulmonology"
    RADIOLOGY = "radiology"
    RADIOTHERAPY = "radiotherapy"
    RHEUMATOLOGY = "rheumatology"
    SPORTS_MEDICINE = "sports_medicine"
    THORACIC_SURGERY = "thoracic_surgery"
    TRAFFIC_MEDICINE = "traffic_medicine"
    TRANSFUSION_MEDICINE = "transfusion_medicine"
    UROLOGY = "urology"
    VASCULAR_SURGERY = "vascular_surgery"

    @classmethod
    def parse(cls, code: str, *, field: str = "specialty") -> Self:
        """Read a code.

        Raises:
            InvalidError: there is no such specialty.
        """
        try:
            return cls(code)
        except ValueError:
            raise InvalidError(field, "is not the code of a specialty") from None

    def named(self, language: Language) -> str:
        """Its name, in the reader's language."""
        if language is Language.ENGLISH:
            return self.value.replace("_", " ").capitalize()
        return _PORTUGUESE[self]


_PORTUGUESE = {
    Specialty.ACUPUNCTURE: "Acupuntura",
    Specialty.ALLERGY_IMMUNOLOGY: "Alergia e imunologia",
    Specialty.ANESTHESIOLOGY: "Anestesiologia",
    Specialty.ANGIOLOGY: "Angiologia",
    Specialty.CARDIOLOGY: "Cardiologia",
    Specialty.CARDIOVASCULAR_SURGERY: "Cirurgia cardiovascular",
    Specialty.CLINICAL_ONCOLOGY: "Oncologia clínica",
    Specialty.COLOPROCTOLOGY: "Coloproctologia",
    Specialty.DERMATOLOGY: "Dermatologia",
    Specialty.DIGESTIVE_SURGERY: "Cirurgia do aparelho digestivo",
    Specialty.EMERGENCY_MEDICINE: "Medicina de emergência",
    Specialty.ENDOCRINOLOGY: "Endocrinologia e metabologia",
    Specialty.ENDOSCOPY: "Endoscopia",
    Specialty.FAMILY_MEDICINE: "Medicina de família e comunidade",
    Specialty.GASTROENTEROLOGY: "Gastroenterologia",
    Specialty.GENERAL_SURGERY: "Cirurgia geral",
    Specialty.GERIATRICS: "Geriatria",
    Specialty.GYNECOLOGY_OBSTETRICS: "Ginecologia e obstetrícia",
    Specialty.HAND_SURGERY: "Cirurgia da mão",
    Specialty.HEAD_NECK_SURGERY: "Cirurgia de cabeça e pescoço",
    Specialty.HEMATOLOGY: "Hematologia e hemoterapia",
    Specialty.HOMEOPATHY: "Homeopatia",
    Specialty.INFECTIOUS_DISEASE: "Infectologia",
    Specialty.INTENSIVE_CARE: "Medicina intensiva",
    Specialty.INTERNAL_MEDICINE: "Clínica médica",
    Specialty.LEGAL_MEDICINE: "Medicina legal e perícia médica",
    Specialty.MASTOLOGY: "Mastologia",
    Specialty.MEDICAL_GENETICS: "Genética médica",
    Specialty.NEPHROLOGY: "Nefrologia",
    Specialty.NEUROLOGY: "Neurologia",
    Specialty.NEUROSURGERY: "Neurocirurgia",
    Specialty.NUCLEAR_MEDICINE: "Medicina nuclear",
    Specialty.NUTROLOGY: "Nutrologia",
    Specialty.OCCUPATIONAL_MEDICINE: "Medicina do trabalho",
    Specialty.OPHTHALMOLOGY: "Oftalmologia",
    Specialty.ORTHOPEDICS: "Ortopedia e traumatologia",
    Specialty.OTORHINOLARYNGOLOGY: "Otorrinolaringologia",
    Specialty.PATHOLOGY: "Patologia",
    Specialty.LABORATORY_MEDICINE: "Patologia clínica e medicina laboratorial",
    Specialty.PEDIATRIC_SURGERY: "Cirurgia pediátrica",
    Specialty.PEDIATRICS: "Pediatria",
    Specialty.PHYSICAL_MEDICINE: "Medicina física e reabilitação",
    Specialty.PLASTIC_SURGERY: "Cirurgia plástica",
    Specialty.PREVENTIVE_MEDICINE: "Medicina preventiva e social",
    Specialty.PSYCHIATRY: "Psiquiatria",
    Specialty.PULMONOLOGY: "Pneumologia",
    Specialty.RADIOLOGY: "Radiologia e diagnóstico por imagem",
    Specialty.RADIOTHERAPY: "Radioterapia",
    Specialty.RHEUMATOLOGY: "Reumatologia",
    Specialty.SPORTS_MEDICINE: "Medicina do esporte",
    Specialty.THORACIC_SURGERY: "Cirurgia torácica",
    Specialty.TRAFFIC_MEDICINE: "Medicina do tráfego",
    Specialty.TRANSFUSION_MEDICINE: "Medicina transfusional",
    Specialty.UROLOGY: "Urologia",
    Specialty.VASCULAR_SURGERY: "Cirurgia vascular",
}
