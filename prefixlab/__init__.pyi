# What `import prefixlab` offers: each is loaded when it is first used (see `__init__.py`).
from . import (
    evaluation as evaluation,
    methods as methods,
)
from .data import (
    tasks as tasks,
)
from .data.multitask import (
    mixture as mixture,
)
from .data.task import (
    Task as Task,
)
from .data.template import (
    Template as Template,
    Verbalizer as Verbalizer,
)
from .evaluation.choices import (
    Evaluation as Evaluation,
    evaluate as evaluate,
    predict as predict,
)
from .evaluation.generation import (
    Decoding as Decoding,
    generate as generate,
)
from .evaluation.text_metrics import (
    TextEvaluation as TextEvaluation,
    judge_texts as judge_texts,
)
from .exchange.from_peft import (
    from_peft as from_peft,
)
from .exchange.hub import (
    from_hub as from_hub,
    push_to_hub as push_to_hub,
)
from .exchange.steered import (
    Steered as Steered,
    steer as steer,
)
from .exchange.to_peft import (
    to_peft as to_peft,
)
from .methods import (
    METHODS as METHODS,
    Cartridge as Cartridge,
    Cost as Cost,
    DiscretePrompt as DiscretePrompt,
    InContextLearning as InContextLearning,
    Method as Method,
    PrefixTuning as PrefixTuning,
    PromptTuning as PromptTuning,
    PTuning as PTuning,
    PTuningV2 as PTuningV2,
    create as create,
)
from .methods.prefix_tuning import (
    attention_mass as attention_mass,
)
from .methods.prompt_tuning import (
    nearest_tokens as nearest_tokens,
)
from .models.backbone import (
    Backbone as Backbone,
)
from .models.conditioning import (
    Conditioning as Conditioning,
    Edit as Edit,
    Past as Past,
)
from .models.encoder import (
    Encoder as Encoder,
)
from .models.encoder_decoder import (
    EncoderDecoder as EncoderDecoder,
)
from .models.geometry import (
    Geometry as Geometry,
    geometry as geometry,
)
from .models.loading import (
    load as load,
)
from .serving import (
    ensembles as ensembles,
)
from .serving.mixed_batches import (
    mixed_scores as mixed_scores,
    serve as serve,
)
from .training.checkpoints import (
    load_method as load_method,
    resume as resume,
    save as save,
)
from .training.loop import (
    Recipe as Recipe,
    Step as Step,
    Training as Training,
    TrainingDiverged as TrainingDiverged,
    train as train,
)
from .version import (
    __version__ as __version__,
)
