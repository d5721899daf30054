# What `import prefixlab` offers: each is loaded when it is first used (see `__init__.py`).
from . import (
    checks as checks,
)
from . import (
    ensembles as ensembles,
)
from . import (
    evaluation as evaluation,
)
from . import (
    experiments as experiments,
)
from . import (
    figures as figures,
)
from . import (
    interpretation as interpretation,
)
from . import (
    methods as methods,
)
from . import (
    panels as panels,
)
from . import (
    tasks as tasks,
)
from .backbone import (
    Backbone as Backbone,
)
from .backbone import (
    Conditioning as Conditioning,
)
from .backbone import (
    Past as Past,
)
from .checkpoints import (
    load_method as load_method,
)
from .checkpoints import (
    resume as resume,
)
from .checkpoints import (
    save as save,
)
from .encoder import (
    Encoder as Encoder,
)
from .encoder_decoder import (
    EncoderDecoder as EncoderDecoder,
)
from .evaluation import (
    Evaluation as Evaluation,
)
from .evaluation import (
    evaluate as evaluate,
)
from .evaluation import (
    predict as predict,
)
from .generation import (
    Decoding as Decoding,
)
from .generation import (
    generate as generate,
)
from .loading import (
    load as load,
)
from .methods import (
    METHODS as METHODS,
)
from .methods import (
    Cost as Cost,
)
from .methods import (
    DiscretePrompt as DiscretePrompt,
)
from .methods import (
    InContextLearning as InContextLearning,
)
from .methods import (
    Method as Method,
)
from .methods import (
    PrefixTuning as PrefixTuning,
)
from .methods import (
    PromptTuning as PromptTuning,
)
from .methods import (
    PTuning as PTuning,
)
from .methods import (
    PTuningV2 as PTuningV2,
)
from .methods import (
    create as create,
)
from .methods.prefix_tuning import (
    attention_mass as attention_mass,
)
from .methods.prompt_tuning import (
    nearest_tokens as nearest_tokens,
)
from .mixed import (
    mixed_scores as mixed_scores,
)
from .mixed import (
    serve as serve,
)
from .multitask import (
    mixture as mixture,
)
from .sizes import (
    Geometry as Geometry,
)
from .sizes import (
    geometry as geometry,
)
from .tasks import (
    Task as Task,
)
from .template import (
    Template as Template,
)
from .template import (
    Verbalizer as Verbalizer,
)
from .text_metrics import (
    TextEvaluation as TextEvaluation,
)
from .text_metrics import (
    judge_texts as judge_texts,
)
from .training import (
    Recipe as Recipe,
)
from .training import (
    Step as Step,
)
from .training import (
    Training as Training,
)
from .training import (
    TrainingDiverged as TrainingDiverged,
)
from .training import (
    train as train,
)
